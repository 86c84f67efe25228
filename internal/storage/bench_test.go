package storage

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// BenchmarkSmallFiles makes 1000 files of 4 KiB in a new directory.
func BenchmarkSmallFiles(b *testing.B) {
	const files = 1000
	text := []byte(strings.Repeat("x", 4096))
	sum := transport.Sum(text)
	top := b.TempDir()
	b.SetBytes(files * 4096)
	for n := 0; b.Loop(); n++ {
		s, err := Land(top, tree.Into, false, plain())
		if err != nil {
			b.Fatal(err)
		}
		id := int64(1)
		s.Add(b.Context(), tree.Entry{ID: id, Name: fmt.Sprint("d", n), Kind: tree.Dir, Meta: tree.Meta{Mode: 0o755, ModTime: stamp}})
		var batch []tree.Landing
		for i := range files {
			id++
			e := tree.Entry{ID: id, Parent: 1, Name: fmt.Sprint("file", i), Kind: tree.File, Meta: tree.Meta{Size: 4096, Mode: 0o644, ModTime: stamp}}
			v := s.Add(b.Context(), e)
			l, err := s.Open(e, v)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := l.WriteAt(text, 0); err != nil {
				b.Fatal(err)
			}
			l.Landed(tree.Range{Off: 0, Len: 4096}, sum)
			l.Sealed(tree.Seal{ID: id, Size: 4096})
			batch = append(batch, l)
			if len(batch) == 256 || i == files-1 {
				for _, err := range s.Commit(b.Context(), batch) {
					if err != nil {
						b.Fatal(err)
					}
				}
				batch = nil
			}
		}
		if err := s.Finish(b.Context(), true, tree.Notes{}); err != nil {
			b.Fatal(err)
		}
		_ = s.Close()
		b.StopTimer()
		_ = os.RemoveAll(filepath.Join(top, fmt.Sprint("d", n)))
		b.StartTimer()
	}
}

// BenchmarkTree copies 10,000 files of 4 KiB in 100 directories, as both ends of a
// copy do it, but without anything between them. The tree is that of the environment
// variable if there is one.
func BenchmarkTree(b *testing.B) {
	from := os.Getenv("RDMACP_BENCH_TREE")
	if from == "" {
		from = b.TempDir()
		for i := range 10000 {
			dir := filepath.Join(from, fmt.Sprint(i/100))
			if err := os.MkdirAll(dir, 0o755); err != nil {
				b.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), make([]byte, 4096), 0o600); err != nil {
				b.Fatal(err)
			}
		}
	}
	top := b.TempDir()
	files := 0
	for b.Loop() {
		files = benchTree(b, from+"/", top)
		b.StopTimer()
		if err := os.RemoveAll(filepath.Join(top, "copy")); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(files), "ns/file")
}

// benchTree copies what is in from to the directory copy in top, and returns how
// many files that were.
func benchTree(b *testing.B, from, top string) int {
	b.Helper()
	w := NewWalker([]Start{{Path: from}}, tree.WalkOptions{Recursive: true, Links: true})
	s, err := Land(filepath.Join(top, "copy"), tree.Contents, false, archive())
	if err != nil {
		b.Fatal(err)
	}
	files := 0
	buffer := make([]byte, 64<<10)
	var batch []tree.Landing
	commit := func() {
		for _, err := range s.Commit(b.Context(), batch) {
			if err != nil {
				b.Error(err)
			}
		}
		batch = batch[:0]
	}
	err = w.Walk(b.Context(), func(e tree.Entry) error {
		v := s.Add(b.Context(), e)
		if v.Answer != tree.Want {
			return v.Fault
		}
		files++
		l, err := s.Open(e, v)
		if err != nil {
			return err
		}
		if batch = append(batch, l); len(batch) == 256 {
			defer commit()
		}
		return benchFile(w, e, l, buffer)
	}, func(p tree.Problem) { b.Error(p.Fault) })
	if err != nil {
		b.Fatal(err)
	}
	commit()
	if err := errors.Join(s.Finish(b.Context(), true, tree.Notes{}), s.Close(), w.Close()); err != nil {
		b.Fatal(err)
	}
	return files
}

// benchFile copies a file that fits into the buffer.
func benchFile(w *Walker, e tree.Entry, l tree.Landing, buffer []byte) error {
	f, err := w.Open(e)
	if err != nil {
		return err
	}
	p := buffer[:e.Meta.Size]
	if _, err := f.ReadAt(p, 0); err != nil {
		return err
	}
	if err := errors.Join(f.Unchanged(), f.Close()); err != nil {
		return err
	}
	if _, err := l.WriteAt(p, 0); err != nil {
		return err
	}
	l.Landed(tree.Range{Off: 0, Len: e.Meta.Size}, transport.Sum(p))
	l.Sealed(tree.Seal{ID: e.ID, Size: e.Meta.Size})
	return nil
}
