package storage

import (
	"testing"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// Of files that would get one name, the first is sent, as by rsync; directories of
// one name become one.
func TestWalkOverlap(t *testing.T) {
	t.Parallel()
	dir := plant(t, t.TempDir(), "1/x", "1/d/y", "1/d/z", "2/x", "2/d/y", "2/d/new", "2/w", "3/d/new", "3/d/e/f")
	w := walkPath(t, allOf, dir+"/1/", dir+"/2/", dir+"/3/d", dir+"/1/")
	w.wantPaths(t, ".", "d", "d/y", "d/z", "x", ".", "d", "d/new", "w", "d", "d/e", "d/e/f", ".", "d")
	w.wantProblems(t, map[string]fault.Code{})
	for path, want := range map[string]string{"x": "1/x", "d/y": "1/d/y", "d/new": "2/d/new", "w": "2/w", "d/e/f": "3/d/e/f"} {
		w.wantText(t, path, want)
	}
}

// A file and a directory cannot become one: what comes second is told of, since
// whole trees would be missing without a word.
func TestWalkOverlapKinds(t *testing.T) {
	t.Parallel()
	dir := plant(t, t.TempDir(), "1/d/x/", "1/d/f", "2/d/x", "2/d/f/g", "3/f")
	w := walkPath(t, allOf, dir+"/1/", dir+"/2/", dir+"/3/f", dir+"/3/")
	w.wantPaths(t, ".", "d", "d/f", "d/x", ".", "d", "f", ".")
	w.wantProblems(t, map[string]fault.Code{"d/x": fault.Usage, "d/f": fault.Usage})
	wantFault(t, w.problems["d/x"], fault.Usage, dir+"/2/d/x", "another source has d/x too")
}

// Names are remembered only where they can come again.
func TestOverlap(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		paths []string
		want  bool
	}{
		{[]string{"a/"}, false},
		{[]string{"a", "b", "c/d"}, false},
		{[]string{"a", "b/a"}, true},
		{[]string{"a", "b/"}, true},
		{[]string{"a", "."}, true},
		{[]string{"", "a"}, false},
	} {
		var starts []Start
		for _, p := range tt.paths {
			starts = append(starts, Start{Path: p})
		}
		if got := overlap(starts); got != tt.want {
			t.Errorf("%q: %v", tt.paths, got)
		}
	}
	dir := plant(t, t.TempDir(), "1/f", "2/f")
	one := tree.WalkOptions{}
	w := walkPath(t, one, dir+"/1/f", dir+"/2/f")
	w.wantPaths(t, "f")
	w.wantProblems(t, map[string]fault.Code{"f": fault.Usage})
}
