package script

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The prolog of dist/slurm lets jobs come where rdmacp doctor has found nothing wrong, and there only; the epilog
// removes what they leave, and what others have stays.
func TestSlurm(t *testing.T) {
	t.Parallel()
	bin, scratch := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{
		"rdmacp": asCommand + "=rdmacp exec " + os.Args[0] + ` "$@"`,
		"logger": `echo "$@" >>` + bin + "/log",
	} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil { //nolint:gosec // a program
			t.Fatal(err)
		}
	}
	run := func(script, job, transport string) error {
		cmd := exec.CommandContext(t.Context(), "../../dist/slurm/"+script)
		cmd.Env = []string{"PATH=" + bin + ":/usr/sbin:/usr/bin:/sbin:/bin", "RDMACP_SCRATCH=" + scratch, "RDMACP_TRANSPORT=" + transport}
		if job != "" {
			cmd.Env = append(cmd.Env, "SLURM_JOB_ID="+job, "SLURM_JOB_UID="+strconv.Itoa(os.Getuid()))
		}
		out, err := cmd.CombinedOutput()
		t.Logf("%s: %v: %s", script, err, out)
		return err
	}
	there := func() (names []string) {
		all, err := os.ReadDir(scratch)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range all {
			names = append(names, e.Name())
		}
		return names
	}

	for _, job := range []string{"1", "2"} {
		if err := run("prolog", job, "tcp"); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(filepath.Join(scratch, "1")); err != nil || info.Mode() != fs.ModeDir|0o700 {
		t.Errorf("the job's directory: %v, %v", info, err)
	}
	if err := os.WriteFile(filepath.Join(scratch, "1", "left"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run("prolog", "3", "carrier pigeon"); err == nil {
		t.Error("a node that cannot copy gets jobs")
	}
	if log, err := os.ReadFile(filepath.Join(bin, "log")); !strings.Contains(string(log), "job 3: ") || !strings.Contains(string(log), "carrier pigeon") {
		t.Errorf("the log has %q, %v", log, err)
	}
	for _, script := range []string{"prolog", "epilog"} {
		if err := run(script, "", "tcp"); err == nil {
			t.Errorf("%s is content without a job", script)
		}
	}
	if err := run("epilog", "1", "tcp"); err != nil {
		t.Error(err)
	}
	if got := there(); len(got) != 1 || got[0] != "2" {
		t.Errorf("%v are there, and not job 2's alone", got)
	}
}
