//go:build linux

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// treeLimit bounds a copy of a tree: one of the host's comes by 9p, file by file.
const treeLimit = 20 * time.Minute

// sameTree fails the test unless rsync finds nothing to do to make one tree of
// this host the other.
func sameTree(t *testing.T, want, got string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "rsync", "-naiHAXc", "--delete", "--exclude=tera", want+"/", got+"/").CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("%s is not as %s: %v\n%.2000s", got, want, err, out)
	}
}

// thereAndBack copies a tree of this host to the other and back, and compares.
func (tr *trial) thereAndBack(top string, flags ...string) {
	t := tr.t
	t.Helper()
	name := top[strings.LastIndex(top, "/")+1:]
	back := dataDir + "/back"
	if err := os.MkdirAll(back, 0o755); err != nil { //nolint:gosec // a test's
		t.Fatal(err)
	}
	mustLater(t, tr.lab.here, "rm -rf %s", back)
	mustLater(t, tr.lab.there, "rm -rf '%s/%s'", dataDir, name)
	for _, copy := range [][]string{{top, there + "::data/"}, {there + "::data/" + name, back + "/"}} {
		c := tr.rdmacp(nil, nil, append(append([]string{}, flags...), copy...)...)
		c.limit = treeLimit
		r := c.wait()
		if r.exit != 0 || r.stderr != "" {
			t.Fatalf("%q: exit %d\n%s", copy, r.exit, r.stderr)
		}
		t.Logf("%s -> %s: %.1f s", copy[0], copy[1], r.seconds)
	}
	sameTree(t, top, back+"/"+name)
}

// TestOddTree copies what a file system allows and few think of.
func TestOddTree(t *testing.T) {
	tr := newTrial(t)
	top := dataDir + "/odd"
	oddTree(t, top)
	tr.thereAndBack(top, "-aXA", "--devices", "--specials")
	// A digest of a terabyte takes rsync hours.
	const tera = "stat -c '%%s %%b %%a %%.9Y' %[1]s/holes/tera; tail -c +$(((1 << 39) - 1)) %[1]s/holes/tera | head -c 6 | od -c"
	if want, got := must(t, tr.lab.here, tera, top), must(t, tr.lab.here, tera, dataDir+"/back/odd"); want != got {
		t.Errorf("the file of a terabyte is\n%s, want\n%s", got, want)
	}
	if out := must(t, tr.lab.here, "du -s --block-size=1 %s/holes | cut -f1", top); len(out) > len("1000000") {
		t.Errorf("the holes took %s bytes", out)
	}
}

// TestSourceTree copies real trees: Go's runtime, and the commands' own source. RDMACP_TREES are others, where they lie on
// this host.
func TestSourceTree(t *testing.T) {
	tr := newTrial(t)
	if trees := filepath.SplitList(os.Getenv("RDMACP_TREES")); len(trees) > 0 {
		for _, top := range trees {
			tr.thereAndBack(top, "-aHXA")
		}
		return
	}
	top := dataDir + "/source"
	must(t, tr.lab.here, "mkdir -p %[1]s && cp -r --preserve=mode,timestamps ../../internal ../../docs %[1]s/", top)
	if thorough() {
		must(t, tr.lab.here, "cp -r \"$(go env GOROOT)/src/runtime\" %s/", top)
	}
	mustLater(t, tr.lab.here, "rm -rf %s", top)
	tr.thereAndBack(top, "-a")
}

// TestManyFiles copies as many files as a message never holds, in one directory,
// and then finds nothing to do. RDMACP_FILES is another number of them.
func TestManyFiles(t *testing.T) {
	tr := newTrial(t)
	top := dataDir + "/many"
	n := number(t, "RDMACP_FILES", atLeast(4000, 20000))
	if err := os.MkdirAll(top, 0o755); err != nil { //nolint:gosec // a test's
		t.Fatal(err)
	}
	mustLater(t, tr.lab.here, "rm -rf %s", top)
	for i := range n {
		if err := put(fmt.Sprintf("%s/%d", top, i), fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	tr.thereAndBack(top, "-a")
	r := tr.rdmacp(nil, nil, "-a", top, there+"::data/").wait()
	if r.exit != 0 || !strings.Contains(r.stdout, `"bytes":0`) {
		t.Errorf("a second copy: exit %d\n%s%s", r.exit, r.stdout, r.stderr)
	}
}
