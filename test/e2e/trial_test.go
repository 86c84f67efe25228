//go:build linux

package e2e

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// settleLimit is how long both hosts may take to be as they were, once the
// disturbance is over.
const settleLimit = 30 * time.Second

// trial is one test's use of the lab. When the test ends, it asks, whatever the
// test itself has found:
//
//  1. Is every name that a copy went to absent, old, or new and complete? After a
//     copy that succeeded: new and complete?
//  2. Does the daemon (a new one, if the test ended the old) serve a copy?
//  3. Are the counts of RDMA objects on both hosts what they were?
//  4. Are all partial files gone, but for those that a journal makes worth keeping? Does the same command go on with those?
//  5. Has the daemon as many descriptors and goroutines as it had before?
//
// What rdmacp answered is asked where it ran: result.failed.
type trial struct {
	t      *testing.T
	lab    *lab
	parent *trial // of a part of a test
	dests  []*destination
	log    int // where the daemon's log was when the test began
}

// destination is a name that copies go to.
type destination struct {
	file        // the name; sum is what was there before
	source file // what is copied to it
	must   bool // a copy has succeeded
}

// newTrial begins a test.
func newTrial(t *testing.T) *trial {
	t.Helper()
	requireGuests(t)
	l, err := openLab()
	if err != nil {
		t.Fatal(err)
	}
	tr := &trial{t: t, lab: l}
	if !l.daemon.alive() {
		if err := l.startMain(); err != nil {
			t.Fatal(err)
		}
	}
	tr.log = l.daemon.log.size()
	d := l.daemon
	t.Cleanup(func() {
		tr.ask()
		if t.Failed() {
			t.Logf("the daemon's log:\n%s", d.log.since(tr.log))
		}
	})
	return tr
}

// ends are the host that a copy comes from and the one that it goes to: a put, or a get.
func (tr *trial) ends(way string) (from, to *node) {
	if way == "get" {
		return tr.lab.there, tr.lab.here
	}
	return tr.lab.here, tr.lab.there
}

// to is the name that source goes to, or would.
func (tr *trial) to(source file, n *node, path string) *destination {
	tr.t.Helper()
	d := &destination{file: file{n, path, tr.digest(n, path)}, source: source}
	whole := tr
	for whole.parent != nil {
		whole = whole.parent
	}
	whole.dests = append(whole.dests, d)
	return d
}

// across is the destination of a copy to the other host's path.
func (tr *trial) across(source file, path string) *destination {
	tr.t.Helper()
	if source.host == tr.lab.here {
		return tr.to(source, tr.lab.there, path)
	}
	return tr.to(source, tr.lab.here, path)
}

// start starts the copy to d.
func (tr *trial) start(d *destination, flags ...string) *copying {
	tr.t.Helper()
	return tr.rdmacp(d, nil, append(append([]string{}, flags...), d.source.arg(), d.arg())...)
}

// copy runs the copy to d.
func (tr *trial) copy(d *destination, flags ...string) result {
	tr.t.Helper()
	return tr.start(d, flags...).wait()
}

// ended notes how a copy to d ended.
func (d *destination) ended(r result) {
	if d != nil && r.exit == 0 {
		d.must = true
	}
}

// check says what is wrong with what is there.
func (d *destination) check(sum string) error {
	allowed := []string{d.source.sum}
	if !d.must {
		allowed = append(allowed, absent, d.sum)
	}
	for _, a := range allowed {
		if a != "" && sum == a {
			return nil
		}
	}
	return fmt.Errorf("%s:%s has sha256 %s, want one of %q (new, absent, old)", d.host.name, d.path, sum, allowed)
}

// slowToSettle is after how long it is worth a line what a host had to let go of.
const slowToSettle = 3 * time.Second

// ask asks the questions.
func (tr *trial) ask() {
	t, l := tr.t, tr.lab
	t.Helper()
	if !l.daemon.alive() {
		if err := l.startMain(); err != nil {
			t.Error(err)
			return
		}
	}
	begun := time.Now()
	if thorough() { // else the next test's copy shows it, and closeLab's
		probe, err := l.probe()
		if err != nil {
			t.Errorf("a copy after the test: %v", err)
		}
		t.Logf("a copy after the test: %.1f s", probe.Seconds())
	}
	tr.replay()
	var both sync.WaitGroup
	for _, n := range l.nodes() {
		both.Go(func() {
			if err := tr.askNames(n); err != nil {
				t.Error(err)
			}
			var why, last string
			if !eventually(settleLimit-time.Since(begun), func() bool {
				if why = l.changed(n); why != "" {
					last = why
				}
				return why == ""
			}) {
				t.Errorf("%s is not as it was, %.0f s after the test: %s", n.name, time.Since(begun).Seconds(), why)
				l.daemon.explain(n)
			}
			if took := time.Since(begun); why == "" && last != "" && took > slowToSettle {
				t.Logf("%s was not as it was for %.1f s: %s", n.name, took.Seconds(), last)
			}
			_, _ = n.sh("find %s -name '.*.rdmacp-*' -delete", topDir) // what could be resumed, and one failure is enough
		})
	}
	both.Wait()
	t.Logf("all as before: %.1f s", time.Since(begun).Seconds())
}

// askNames looks at the destinations on one host, then removes what is there.
func (tr *trial) askNames(n *node) error {
	var dests []*destination
	var paths []string
	for _, d := range tr.dests {
		if d.host == n {
			dests = append(dests, d)
			paths = append(paths, d.path)
		}
	}
	if len(dests) == 0 {
		return nil
	}
	sums, err := digests(n, paths...)
	if err != nil {
		return err
	}
	var errs []error
	for _, d := range dests {
		errs = append(errs, d.check(sums[d.path]))
	}
	_, err = n.sh("rm -f %s", strings.Join(paths, " "))
	return errors.Join(append(errs, err)...)
}

// changed says in what a host is not as it was: unsettled, or in what its daemon holds. A client that is stopped leaves that a
// connection.
func (l *lab) changed(n *node) string {
	if why := l.unsettled(n); why != "" || n != l.there {
		return why
	}
	return l.daemon.grown()
}

// unsettled says in what a host is not yet as it was.
func (l *lab) unsettled(n *node) string {
	out, err := n.sh(`find %s -name '.*.rdmacp-partial' | while read -r p; do test -e "${p%%partial}journal" || echo "$p"; done; rdma res show`, topDir)
	out = withoutIndex(out)
	switch {
	case err != nil:
		return err.Error()
	case out != l.base[n]:
		return fmt.Sprintf("partial files and RDMA objects:\n%s\nthey were:\n%s", out, l.base[n])
	}
	return ""
}

// probe copies a small file to the daemon and compares.
func (l *lab) probe() (time.Duration, error) {
	begun := time.Now()
	const path = dataDir + "/probe"
	out, err := l.here.sh(`set -e
test -e %[1]s || head -c 70000 /dev/urandom >%[1]s
%[2]s --quiet %[1]s %[3]s::data/probe.copy
sha256sum <%[1]s`, path, l.rdmacp, there)
	if err != nil {
		return time.Since(begun), err
	}
	took := time.Since(begun)
	got, err := digests(l.there, path+".copy")
	if sum := got[path+".copy"]; err == nil && sum != strings.Fields(out)[0] {
		err = fmt.Errorf("the copy has sha256 %s, want %s", sum, out)
	}
	_, rmErr := l.there.sh("rm %s.copy", path)
	return took, errors.Join(err, rmErr)
}

// within is the trial for a part of the test: what its copies went to is looked
// at when the whole test ends.
func (tr *trial) within(t *testing.T) *trial {
	t.Helper()
	return &trial{t: t, lab: tr.lab, parent: tr}
}
