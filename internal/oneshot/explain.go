package oneshot

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// Exit codes of the remote side: a POSIX shell's for a command that it does not find or
// cannot run, and ssh(1)'s own.
const (
	exitNotRun   = 126
	exitNotFound = 127
	exitSSH      = 255
)

// explain says why there was no answer: how the remote shell has ended says where it went
// wrong. What the two had to say about it stands on stderr already.
func (c Command) explain(err error) error {
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return c.fault(err, "")
	}
	code := 0
	if exit != nil {
		code = exit.ExitCode()
	}
	switch code {
	case exitNotFound:
		return c.fault(fmt.Errorf("there is no %s there, or the shell of %s does not find it", c.Program, c.Login),
			"install rdmad there, or say where it lies: --rdmad-path /where/it/lies/rdmad")
	case exitNotRun:
		return c.fault(fmt.Errorf("%s cannot be run there", c.Program), "see its mode and for which machine it was built")
	case exitSSH:
		return c.fault(fmt.Errorf("%s did not log in there, or lost the connection", c.Shell[0]),
			fmt.Sprintf("see what it said above, and that this works: %s %s true", strings.Join(c.Shell, " "), c.Login))
	case -1:
		return c.fault(fmt.Errorf("%s was killed: %w", c.Shell[0], err), "run the same command again")
	}
	return c.fault(fmt.Errorf("it ended with exit code %d before it listened", code),
		"see what it said above; it may be of an earlier release, without --via-ssh")
}

// fault is that of an rdmad that could not be started.
func (c Command) fault(why error, fix string) error {
	return &fault.Error{Code: fault.Unreachable, Host: c.Host, What: "starting " + c.Program + " by " + c.Shell[0], Why: why, Fix: fix}
}
