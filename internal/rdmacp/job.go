package rdmacp

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// job is one copy: which of the two names is where, and which way it goes.
type job struct {
	direction transport.Direction
	src, dst  string // as they were typed
	local     string // the one on this host
	remote    remote
}

// newJob makes a job of the two names on the command line.
func newJob(args []string) (job, error) {
	if err := checkArgs(args); err != nil {
		return job{}, err
	}
	src, err := parseLocation(args[0])
	if err != nil {
		return job{}, err
	}
	dst, err := parseLocation(args[1])
	if err != nil {
		return job{}, err
	}
	j := job{src: src.arg, dst: dst.arg}
	what := fmt.Sprintf("copying %q to %q", src.arg, dst.arg)
	switch {
	case src.remote == nil && dst.remote == nil:
		return job{}, fault.New(fault.Usage, what, errors.New("both are files of this host"),
			"use cp; a remote file is host:/path or host::export/path")
	case src.remote != nil && dst.remote != nil:
		return job{}, fault.New(fault.Usage, what, errors.New("both are on other hosts, and copies between two others are not there yet"),
			"run rdmacp on one of the two, or copy by way of this host")
	case dst.remote != nil:
		j.direction, j.local, j.remote = transport.Put, src.arg, *dst.remote
	default:
		j.direction, j.local, j.remote = transport.Get, dst.arg, *src.remote
	}
	return j, j.check(what)
}

// checkArgs checks how many names there are.
func checkArgs(args []string) error {
	switch len(args) {
	case 2:
		return nil
	case 0:
		return fault.New(fault.Usage, "reading the command line", errors.New("source and destination are missing"),
			"rdmacp SRC DST, one of them host:/path or host::export/path; see rdmacp --help")
	case 1:
		return fault.New(fault.Usage, "reading the command line", fmt.Errorf("there is one name only, %q", args[0]),
			"rdmacp SRC DST, one of them host:/path or host::export/path; see rdmacp --help")
	}
	return fault.New(fault.Usage, "reading the command line", fmt.Errorf("there are %d names, and several sources are not there yet", len(args)),
		"name one source and one destination")
}

// check refuses what cannot be copied whatever the daemon says.
func (j job) check(what string) error {
	if j.local == "-" {
		return fault.New(fault.Usage, what, errors.New("standard input and output cannot be copied yet"),
			"name a file; one that is called - is ./-")
	}
	if j.direction == transport.Get && j.remote.base() == "" {
		return fault.New(fault.Usage, what, errors.New("the source is a directory, and directories cannot be copied yet"),
			"name a file below it")
	}
	return nil
}

// localTarget is the file that a get writes: an existing directory stands for a
// file in it by the source's name, and a name that ends in a slash has to be one.
func (j job) localTarget() (string, error) {
	info, err := os.Stat(j.local)
	wantDirectory := strings.HasSuffix(j.local, "/")
	switch {
	case err == nil && info.IsDir():
		return filepath.Join(j.local, j.remote.base()), nil
	case wantDirectory && (err == nil || errors.Is(err, syscall.ENOTDIR)):
		return "", fault.New(fault.NotRegular, "writing into "+j.local, errors.New("it is not a directory"),
			"drop the slash at its end, or name a directory")
	case wantDirectory && errors.Is(err, fs.ErrNotExist):
		return "", fault.New(fault.NotFound, "writing into "+j.local, fs.ErrNotExist,
			"make the directory first, or drop the slash at its end")
	case wantDirectory:
		return "", fault.New(fault.Permission, "writing into "+j.local, err, "")
	}
	return j.local, nil // other errors are for whoever creates the file
}
