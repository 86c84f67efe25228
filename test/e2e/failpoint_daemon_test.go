//go:build linux

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestFailpointsDaemon has the daemon panic at each step of its work, and then has each step fail, once: that costs
// the one copy, which says so, and nothing else. The daemon goes on, and makes the copy whole when it is asked again.
func TestFailpointsDaemon(t *testing.T) {
	for _, way := range ways(t) {
		t.Run(way, func(t *testing.T) {
			f := newFailing(t, way)
			points := slices.DeleteFunc(f.points(), func(p point) bool { return p.here || p.resumed })
			for _, p := range some(points) {
				for _, action := range []string{"panic", "eio"} {
					t.Run(strings.ReplaceAll(p.name, "/", "-")+"-"+action, func(t *testing.T) { f.survives(t, p, action) })
				}
			}
		})
	}
}

// survives copies to a daemon to which something happens at a point, and again.
func (f *failing) survives(t *testing.T, p point, action string) {
	t.Helper()
	f.plant(t)
	if p.newTree {
		must(t, f.sink, "rm -rf %s", failTo)
	}
	env := []string{"env", fmt.Sprintf("RDMACP_FAILPOINT=%s=%s", p.name, action)}
	d, err := f.killers.startDaemonOn(f.lab.there, env, "--insecure", "--listen=0.0.0.0:"+failPort, "--export=data="+dataDir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if code, err := d.stop(); err != nil || code != 0 {
			t.Errorf("the daemon ended with %d, %v\n%s", code, err, d.log.String())
		}
	}()
	r := f.run(t, f.within(t), nil, p, failPort)
	t.Logf("exit %d (%s): %s", r.exit, r.code, strings.TrimSpace(r.stderr))
	f.oldOrNew(t)
	if told := strings.Count(d.log.String(), "a panic was caught"); (told == 1) != (action == "panic") {
		t.Errorf("%d panics were told\n%s", told, d.log.String())
	}
	if r.exit == 0 {
		f.whole(t)
	}
	if r = f.run(t, f.within(t), nil, p, failPort); r.exit != 0 {
		t.Fatalf("the same command again: exit %d\n%s\n%s", r.exit, r.stderr, d.log.String())
	}
	f.whole(t)
}

// whole compares the copy with its source.
func (f *failing) whole(t *testing.T) {
	t.Helper()
	if got := f.listing(t, f.sink, failTo); got != f.want {
		t.Errorf("the copy is\n%s\nwant\n%s", got, f.want)
	}
}
