//go:build linux

package e2e

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Folders of either host. The daemon exports data, disk, ro and small under their own
// names, and not outside.
const (
	topDir   = "/tmp/e2e"
	dataDir  = topDir + "/data"
	roDir    = topDir + "/ro"    // exported read-only
	smallDir = topDir + "/small" // a file system of 8 MiB
	outside  = topDir + "/outside"
	diskDir  = "/scratch/e2e" // on a disk
)

// port is the daemon's, and mainMetrics are where it says what it holds.
const (
	port        = 7471
	mainMetrics = there + "-mgmt:9471"
)

// lab is the two hosts, made ready once for all tests.
type lab struct {
	here, there *node
	rdmacp      string // the command
	rdmad       string
	daemon      *daemon
	base        map[*node]string // what `rdma res show` says of an idle node
	big         map[*node]file
}

var (
	theLab  *lab
	openLab = sync.OnceValues(func() (*lab, error) {
		l := &lab{
			here:  &node{name: here, argv: []string{"sh"}},
			there: &node{name: there, argv: []string{"on", there, "sh"}},
			base:  map[*node]string{}, big: map[*node]file{},
		}
		theLab = l
		return l, l.prepare()
	})
)

// prepare makes the folders and notes what an idle host looks like.
func (l *lab) prepare() error {
	for _, command := range []struct {
		name string
		path *string
	}{{"rdmacp", &l.rdmacp}, {"rdmad", &l.rdmad}} {
		path, err := filepath.Abs(filepath.Join("..", "..", "bin", command.name))
		if err != nil {
			return err
		}
		*command.path = path
	}
	for _, n := range l.nodes() {
		if err := l.furnish(n); err != nil {
			return err
		}
	}
	return nil
}

// furnish makes the folders of a node that has just booted.
func (l *lab) furnish(n *node) error {
	_, err := n.sh(`set -e
mkdir -p %s %s %s %s %s
mount -t tmpfs -o size=8m tmpfs %s
modprobe sch_netem
test -x %s
test -x %s`, dataDir, roDir, smallDir, outside, diskDir, smallDir, l.rdmacp, l.rdmad)
	if err != nil {
		return err
	}
	l.base[n], err = resources(n)
	return err
}

func (l *lab) nodes() []*node { return []*node{l.here, l.there} }

// closeLab ends the daemon and the shells.
func closeLab() error {
	l := theLab
	if l == nil {
		return nil
	}
	var errs []error
	if l.daemon.alive() {
		if _, err := l.probe(); err != nil {
			errs = append(errs, fmt.Errorf("a copy after all tests: %w", err))
		}
		code, err := l.daemon.stop()
		if err == nil && code != 0 {
			err = fmt.Errorf("rdmad ended with exit status %d after SIGTERM\n%s", code, l.daemon.log.String())
		}
		errs = append(errs, err)
	}
	for _, n := range l.nodes() {
		n.drop()
	}
	return errors.Join(errs...)
}

// resources returns the counts of RDMA objects on a node. What the kernel itself
// holds is among them.
func resources(n *node) (string, error) {
	out, err := n.sh("rdma res show")
	return withoutIndex(out), err
}

// deviceIndex is what a line of `rdma res show` begins with. A device that was
// removed and made again has a new one, and is the last of the list.
var deviceIndex = regexp.MustCompile(`(?m)^[0-9]+: `)

func withoutIndex(out string) string {
	lines := strings.Split(deviceIndex.ReplaceAllString(out, ""), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// eventually calls ok until it returns true, and reports whether it did so
// within the limit.
func eventually(limit time.Duration, ok func() bool) bool {
	for begun := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		if ok() {
			return true
		}
		if time.Since(begun) > limit {
			return false
		}
	}
}

// must runs a script on a node, and ends the test if it fails.
func must(t *testing.T, n *node, format string, args ...any) string {
	t.Helper()
	out, err := n.sh(format, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// mustLater runs a script at the test's end, ahead of the questions that the
// trial ends with.
func mustLater(t *testing.T, n *node, format string, args ...any) {
	t.Helper()
	t.Cleanup(func() {
		if _, err := n.sh(format, args...); err != nil {
			t.Error(err)
		}
	})
}
