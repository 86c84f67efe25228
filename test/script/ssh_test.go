package script

import (
	"context"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"
)

// shellHere is a remote shell that stays on this host, and greets like a login shell.
const shellHere = `echo "Welcome to $1"
shift
SSH_CONNECTION="127.0.0.1 50000 127.0.0.1 22" exec sh -c "$*"
`

// cmdRdmacpSSH runs rdmacp --via-ssh with such a shell. The rdmad that it starts is a
// process of its own, its home $WORK/home.
func cmdRdmacpSSH(ts *testscript.TestScript, neg bool, args []string) {
	work := ts.Getenv("WORK")
	shell := filepath.Join(work, "ssh-here")
	ts.Check(os.WriteFile(shell, []byte(shellHere), 0o600))
	w := of(ts)
	flags := []string{"--via-ssh", "--rsh", "sh " + shell, "--rdmad-path", "env HOME=" + work + "/home " + asCommand + "=rdmad " + os.Args[0]}
	if args[0] == "doctor" {
		flags, args = append([]string{"doctor"}, flags...), args[1:]
	}
	w.run(context.Background(), ts, ts.Stdout(), append(flags, args...))
	w.check(ts, neg, "rdmacp --via-ssh")
}
