// Package gotest makes a command of "go test -exec" run where the host's files can't be written: it redirects the
// files that the command is told to leave, and brings them back.
package gotest

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"
)

// Plan is a command as it is to run in the guest.
type Plan struct {
	Args    []string
	Env     []string
	outputs []output
}

// output is a file or folder that the command leaves in the share, and where it belongs on the host.
type output struct {
	host string
	name string // in the share
	dir  bool
}

// Flags of a test binary whose value is a file or a folder that it writes.
var (
	fileFlags = []string{
		"blockprofile", "coverprofile", "cpuprofile", "memprofile", "mutexprofile", "testlogfile", "trace",
	}
	dirFlags = []string{"gocoverdir", "outputdir"}
)

// Rewrite returns the plan for a command that is given on a host in folder cwd, with the guest's environment. Whatever
// it is to write goes below share, the guest's name of a folder that the host can read.
func Rewrite(args, env []string, cwd, share string) Plan {
	var p Plan
	hasOutputDir := strings.Contains(strings.Join(args, "\x00"), "-test.outputdir=")
	for _, arg := range args {
		flag, value, ok := strings.Cut(arg, "=")
		switch {
		case !ok || value == "":
		case isFlag(flag, dirFlags):
			arg = flag + "=" + p.redirect(value, cwd, share, true)
		case isFlag(flag, fileFlags) && (!hasOutputDir || filepath.IsAbs(value)):
			// A relative name is relative to the output folder, if there is one.
			arg = flag + "=" + p.redirect(value, cwd, share, false)
		}
		p.Args = append(p.Args, arg)
	}
	for _, entry := range env {
		if value, ok := strings.CutPrefix(entry, "GOCOVERDIR="); ok && value != "" {
			entry = "GOCOVERDIR=" + p.redirect(value, cwd, share, true)
		}
		p.Env = append(p.Env, entry)
	}
	return p
}

func isFlag(arg string, flags []string) bool {
	for _, flag := range flags {
		if strings.TrimPrefix(arg, "-") == "-test."+flag || arg == "-test."+flag {
			return true
		}
	}
	return false
}

// redirect returns the guest's name for a file or folder that the command writes.
func (p *Plan) redirect(host, cwd, share string, dir bool) string {
	if !filepath.IsAbs(host) {
		host = filepath.Join(cwd, host)
	}
	name := path.Join(fmt.Sprintf("out%d", len(p.outputs)), filepath.Base(host))
	p.outputs = append(p.outputs, output{host: host, name: name, dir: dir})
	return path.Join(share, name)
}

// Paths returns the absolute paths that the command is given, alone or as "NAME=PATH", by arguments or environment.
func (p *Plan) Paths() []string {
	var paths []string
	for _, text := range append(p.Args, p.Env...) {
		if _, value, ok := strings.Cut(text, "="); ok {
			text = value
		}
		for _, item := range filepath.SplitList(text) {
			if filepath.IsAbs(item) {
				paths = append(paths, item)
			}
		}
	}
	return paths
}
