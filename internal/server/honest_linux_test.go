package server_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/storage"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// jumble makes a tree of names that are likely to be meant, with links of all kinds.
func jumble(t *testing.T, rng *rand.Rand, dir string, depth int) {
	t.Helper()
	for _, name := range []string{"a", "b", "c", "f.o", ".d", "[x]", "x", `b\c`, "l\xff"} {
		path := filepath.Join(dir, name)
		switch rng.IntN(9) {
		case 0:
			must(t, os.Symlink([]string{"a", "..", "b", "nowhere", "/"}[rng.IntN(5)], path))
		case 1:
			must(t, syscall.Mkfifo(path, 0o600))
		case 2:
			if os.Link(filepath.Join(dir, "a"), path) != nil { // that is a directory, or nothing
				must(t, os.WriteFile(path, nil, 0o600))
			}
		case 3, 4:
			must(t, os.WriteFile(path, []byte("x"), 0o600))
		case 5, 6, 7:
			if depth > 0 {
				must(t, os.Mkdir(path, 0o700))
				jumble(t, rng, path, depth-1)
			}
		}
	}
}

// An honest daemon is never taken for one that sends what was not asked for, whatever the
// targets and options.
func TestHonest(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{})
	rng := rand.New(rand.NewPCG(3, 4))
	jumble(t, rng, d.dir, 2)
	pick := func(texts ...string) string { return texts[rng.IntN(len(texts))] }
	path := func() string {
		p := pick("a", "b", "c", "x", ".d", "[x]", "f.o", "sub", "*", "?", "[ab]", ".*", `b\c`, "..")
		for rng.IntN(3) > 0 {
			p += "/" + pick("a", "b", "c", "x", ".d", "*", "f.o", "[!b]", ".", "..")
		}
		return p + pick("", "", "/", "/.")
	}
	s := d.dial(t, transport.Get)
	entries, runs := int64(0), 300
	for range runs {
		var from []client.Target
		for range 1 + rng.IntN(3) {
			target := to(path())
			switch rng.IntN(6) {
			case 0:
				target = client.Target{Path: d.dir + pick("", "/", "/.", "/"+path())}
			case 1:
				target = to(pick("", ".", "/"))
			}
			from = append(from, target)
		}
		j := job(nil)
		j.Naming = tree.Contents
		j.Land.DryRun = true
		j.Walk = tree.WalkOptions{
			Recursive: rng.IntN(4) > 0, Links: rng.IntN(2) == 0, HardLinks: rng.IntN(2) == 0, Specials: rng.IntN(2) == 0, Devices: rng.IntN(2) == 0,
		}
		for range rng.IntN(4) {
			j.Walk.Filter = append(j.Walk.Filter, tree.Rule{Include: rng.IntN(2) == 0, Pattern: pick("a", "b/", "/c", "*.o", ".*", "a/**", "**/x", "b/***", "*", "[ab]")})
		}
		if rng.IntN(4) == 0 {
			from = from[:1]
			j.Walk.Files = []string{pick("a", ".", "b/", "./c/a"), pick("a/b", "b/x/a", "sub", "x"), pick("b", ".d/a", "..", "a/a/a")}
		}
		entries += honest(t, s, j, from)
	}
	if t.Logf("%d entries came", entries); entries < int64(5*runs) {
		t.Errorf("%d entries in %d runs say little", entries, runs)
	}
}

// honest gets targets, and returns how many entries came.
func honest(t *testing.T, s *client.Session, j client.Job, from []client.Target) int64 {
	t.Helper()
	dst, err := storage.Land(t.TempDir(), j.Naming, true, j.Land)
	must(t, err)
	defer func() { must(t, dst.Close()) }()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	r, err := s.Get(ctx, from, dst, j)
	switch code := fault.CodeOf(err); code { //nolint:exhaustive // the others are no way for a copy to end
	case fault.OK, fault.NotFound, fault.Usage, fault.NotExport: // the names may lead nowhere
	default:
		t.Fatal(fmt.Sprintf("%v for %q with %+v: ", code, from, j.Walk), err)
	}
	return r.Entries
}
