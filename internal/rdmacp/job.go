package rdmacp

import (
	"errors"
	"fmt"
	"net"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// job is what is copied from where to where.
type job struct {
	command   command
	direction transport.Direction
	sources   []location
	dst       location
	naming    tree.Naming
	several   bool // more than one thing may be copied
	piped     bool // it comes from standard input, or goes to standard output
}

// otherSlash says with what a tree may have been compared by mistake.
func (j job) otherSlash() string {
	src, dst := j.sources[0].arg, j.dst.arg
	if bare, slash := strings.CutSuffix(src, "/"); slash {
		return fmt.Sprintf("the copy lies in %s under its own name: then compare %s, without the slash", dst, bare)
	}
	return fmt.Sprintf("%s is the copy itself: then compare %s/, with a slash", dst, src)
}

// newJob makes a job of the names on the command line, the last of which is the
// destination.
func newJob(c command, args []string, login bool) (job, error) {
	if err := checkArgs(args); err != nil {
		return job{}, err
	}
	last := len(args) - 1
	j := job{command: c}
	for _, arg := range args[:last] {
		l, err := parseLocation(arg, login)
		if err != nil {
			return job{}, err
		}
		j.sources = append(j.sources, l.expand()...)
	}
	var err error
	if j.dst, err = parseLocation(args[last], login); err != nil {
		return job{}, err
	}
	if err := j.direct(); err != nil {
		return job{}, err
	}
	j.piped = j.local()[0] == "-"
	return j, nil
}

// checkArgs checks how many names there are.
func checkArgs(args []string) error {
	const form = "rdmacp SRC... DST, one side of them host:/path or host::export/path; see rdmacp --help"
	switch len(args) {
	case 0:
		return usage("reading the command line", errors.New("source and destination are missing"), form)
	case 1:
		return usage("reading the command line", fmt.Errorf("there is one name only, %q", args[0]), form)
	}
	return nil
}

// what the job does, for messages.
func (j job) what() string {
	verb, to := "copying", "to"
	if j.command == verifies {
		verb, to = "comparing", "with"
	}
	src := j.sources[0].arg
	if n := len(j.sources); n > 1 {
		src = fmt.Sprintf("%s and %d more", src, n-1)
	}
	return fmt.Sprintf("%s %s %s %s", verb, src, to, j.dst.arg)
}

// direct finds out which way the job goes.
func (j *job) direct() error {
	what := j.what()
	remotes := 0
	for _, s := range j.sources {
		if s.remote != nil {
			remotes++
		}
	}
	switch {
	case remotes == 0 && j.dst.remote == nil && j.command == verifies:
		return usage(what, errors.New("all are files of this host"), "use cmp or diff; a remote file is host:/path or host::export/path")
	case remotes == 0 && j.dst.remote == nil:
		return usage(what, errors.New("all are files of this host"), "use cp; a remote file is host:/path or host::export/path")
	case remotes > 0 && remotes < len(j.sources):
		return usage(what, errors.New("some sources are on this host and some on another"), "copy them one side after the other")
	case remotes > 0 && j.dst.remote != nil:
		return usage(what, errors.New("both sides are on other hosts, and copies between two others are not there yet"),
			"run rdmacp on one of the two, or copy by way of this host")
	case remotes == 0:
		j.direction = transport.Put
		return nil
	}
	j.direction = transport.Get
	return nil
}

// checkHosts refuses sources that are on more than one other host. Port is the one
// of those that name none.
func (j job) checkHosts(port int) error {
	if j.direction == transport.Put {
		return nil
	}
	first := j.sources[0].remote.login(port)
	for _, s := range j.sources[1:] {
		if next := s.remote.login(port); next != first {
			return usage(j.what(), fmt.Errorf("the sources are on several hosts, %s and %s", first, next), "copy from one host after the other")
		}
	}
	return nil
}

// address is where the daemon listens. Port is the one to take if the name has none.
func (r *remote) address(port int) string {
	if r.Port != 0 {
		port = r.Port
	}
	if strings.HasPrefix(r.Host, unixSocket) {
		return r.Host
	}
	return net.JoinHostPort(r.Host, strconv.Itoa(port))
}

// login is the same with the user, if one is named.
func (r *remote) login(port int) string {
	if r.User != "" {
		return r.User + "@" + r.address(port)
	}
	return r.address(port)
}

// name decides how the copy is named where it lands: rsync's meaning of a slash
// behind a source, scp's of one behind the destination. What is listed by name is
// in a directory that stands for its contents.
func (j *job) name(listed bool) {
	j.several = len(j.sources) > 1
	contents := listed
	for _, s := range j.sources {
		contents = contents || s.contents()
		j.several = j.several || s.remote != nil && strings.ContainsAny(s.remote.Path, "*?[")
	}
	switch {
	case contents:
		j.naming = tree.Contents
	case len(j.sources) > 1 || j.dst.isDir():
		j.naming = tree.Into
	default:
		j.naming = tree.Auto
	}
}

// contents reports whether a source stands for what is in it.
func (l location) contents() bool {
	if l.remote != nil {
		return l.remote.base() == ""
	}
	return l.isDir()
}

// isDir reports whether a name can only be a directory's.
func (l location) isDir() bool {
	if l.remote != nil {
		return l.remote.TrailingSlash
	}
	return isDir(l.arg)
}

// isDir is that of a name on this host.
func isDir(name string) bool {
	base := path.Base(name)
	return strings.HasSuffix(name, "/") || base == "." || base == ".."
}

// local are the names on this host.
func (j job) local() []string {
	if j.direction == transport.Get {
		return []string{j.dst.arg}
	}
	return j.typed()
}

// remote is one of the names on the other host.
func (j job) remote() *remote {
	if j.direction == transport.Get {
		return j.sources[0].remote
	}
	return j.dst.remote
}

// targets are the sources on the other host, where relative names start at home.
func (j job) targets(home string) []client.Target {
	ts := make([]client.Target, 0, len(j.sources))
	for _, s := range j.sources {
		ts = append(ts, s.remote.target(home))
	}
	return ts
}

// target is a name as the client sends it.
func (r *remote) target(home string) client.Target {
	t := client.Target{Export: r.Export, Path: r.Path}
	if home != "" && !strings.HasPrefix(t.Path, "/") {
		t.Path = strings.TrimRight(home+"/"+t.Path, "/")
	}
	if r.TrailingSlash && t.Path != "" && !strings.HasSuffix(t.Path, "/") {
		t.Path += "/"
	}
	return t
}

// typed are the sources as they were typed.
func (j job) typed() []string {
	names := make([]string, 0, len(j.sources))
	for _, s := range j.sources {
		names = append(names, s.arg)
	}
	return names
}

// title is what the job is called beside a bar.
func (j job) title() string {
	if len(j.sources) > 1 {
		return fmt.Sprintf("%d sources", len(j.sources))
	}
	s := j.sources[0]
	if s.remote == nil {
		return filepath.Base(s.arg)
	}
	if b := s.remote.base(); b != "" {
		return b
	}
	return s.arg
}
