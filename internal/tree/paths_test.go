package tree_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/rdmacp/rdmacp/internal/tree"
)

func TestPaths(t *testing.T) {
	var p tree.Paths
	for _, c := range []struct {
		entry tree.Entry
		want  string
	}{
		{tree.Entry{ID: 1, Kind: tree.Dir}, "."},
		{tree.Entry{ID: 2, Parent: 1, Name: "a", Kind: tree.Dir}, "a"},
		{tree.Entry{ID: 3, Parent: 2, Name: "b", Kind: tree.Dir}, "a/b"},
		{tree.Entry{ID: 4, Parent: 3, Name: "c", Kind: tree.File}, "a/b/c"},
		{tree.Entry{ID: 5, Name: "top", Kind: tree.File}, "top"},
	} {
		if got := p.Of(c.entry).String(); got != c.want {
			t.Errorf("%+v: %q, want %q", c.entry, got, c.want)
		}
	}
}

// What is nested takes what its names take; a path that is copied is told whole, and of one
// that never will be, the end.
func TestDeepPaths(t *testing.T) {
	const name = "012345678901234567890123456789012345678901234567890123456789012" // 64 bytes with the slash
	var p tree.Paths
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var last tree.Path
	for id := int64(1); id <= 10_000; id++ {
		last = p.Of(tree.Entry{ID: id, Parent: id - 1, Name: name, Kind: tree.Dir})
		if got := len(last.String()); id <= tree.MaxDepth && got != int(id)*64-1 || got > tree.MaxPath {
			t.Fatalf("of %d names the path has %d bytes", id, got)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 4<<20 {
		t.Errorf("10,000 directories hold %d bytes", grown)
	}
	if got := last.String(); !strings.HasPrefix(got, ".../"+name+"/") || len(got) > 2000 {
		t.Errorf("the last is %.100q, of %d bytes", got, len(got))
	}
	runtime.KeepAlive(&p)
}

// BenchmarkPaths tells the paths of small files, many in each directory, as a copy does.
func BenchmarkPaths(b *testing.B) {
	const dirs, files = 100, 100
	var list []tree.Entry
	id := int64(0)
	add := func(e tree.Entry) int64 {
		id++
		e.ID = id
		list = append(list, e)
		return id
	}
	up := int64(0)
	for i := range dirs {
		if i%5 == 0 {
			up = 0
		}
		up = add(tree.Entry{Parent: up, Name: fmt.Sprint("directory", i), Kind: tree.Dir})
		for j := range files {
			add(tree.Entry{Parent: up, Name: fmt.Sprint("file", j), Kind: tree.File})
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		var p tree.Paths
		for _, e := range list {
			_ = p.Of(e).String()
		}
	}
}
