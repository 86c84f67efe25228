package storage

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// A tree is copied down to the limit, in a time that a person waits; what lies below
// is a problem of its own, as the source has it too.
func TestDeepTree(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		leaf string
		deep int // directories that are made
		why  string
	}{
		"many":       {"d", tree.MaxDepth, "deeper in the tree than 1023 directories"},
		"long":       {strings.Repeat("d", 255), 256, "longer than 64 KiB"},
		"both":       {strings.Repeat("d", 63), 1024, "deeper in the tree than 1023 directories"},
		"not yet so": {strings.Repeat("d", 62), 1024, ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s, err := Land(dir, tree.Into, true, archive())
			if err != nil {
				t.Fatal(err)
			}
			defer closeStore(t, s)
			began := time.Now()
			for id := int64(1); id <= int64(tt.deep); id++ {
				v := s.Add(t.Context(), tree.Entry{ID: id, Parent: id - 1, Name: tt.leaf, Kind: tree.Dir, Meta: tree.Meta{Mode: 0o700, ModTime: stamp}})
				if v.Fault != nil {
					t.Fatalf("directory %d: %.1000v", id, v.Fault)
				}
			}
			if tt.why != "" {
				for _, k := range []tree.Kind{tree.Dir, tree.File, tree.FIFO} {
					v := s.Add(t.Context(), tree.Entry{ID: 5000 + int64(k), Parent: int64(tt.deep), Name: "x", Kind: k, Meta: tree.Meta{Mode: 0o700}})
					wantFault(t, v.Fault, fault.Limit, tt.why)
				}
			}
			if err := s.Finish(t.Context(), true, tree.Notes{Problem: func(p tree.Problem) { t.Errorf("%.1000v", p.Fault) }}); err != nil {
				t.Error(err)
			}
			if took := time.Since(began); took > time.Minute {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// What lies too deep at the source is told once, and the rest is copied.
func TestWalkTooDeep(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	for range tree.MaxDepth + 10 {
		if err := root.Mkdir("d", 0o700); err != nil {
			t.Fatal(err)
		}
		down, err := root.OpenRoot("d")
		if err != nil {
			t.Fatal(err)
		}
		if err := root.Close(); err != nil {
			t.Error(err)
		}
		root = down
	}
	if err := root.Close(); err != nil {
		t.Error(err)
	}
	for _, from := range []string{dir + "/", filepath.Join(dir, "d")} {
		w := NewWalker([]Start{{Path: from}}, tree.WalkOptions{Recursive: true})
		var problems []tree.Problem
		dirs := 0
		err = w.Walk(t.Context(), func(e tree.Entry) error {
			if e.Name != "" {
				dirs++
			}
			return nil
		}, func(p tree.Problem) { problems = append(problems, p) })
		if err != nil || dirs != tree.MaxDepth || len(problems) != 1 {
			t.Fatalf("from %.100s: %d directories, problems %.1000v, %v", from, dirs, problems, err)
		}
		wantFault(t, problems[0].Fault, fault.Limit, "deeper in the tree than 1023 directories")
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
}
