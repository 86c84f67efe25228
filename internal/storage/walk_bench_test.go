package storage

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/rdmacp/rdmacp/internal/tree"
)

// BenchmarkWalk walks a tree of small files and reads them all.
func BenchmarkWalk(b *testing.B) {
	dir := b.TempDir()
	const files, size = 1000, 4096
	for i := range files {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), make([]byte, size), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	buffer := make([]byte, size)
	for b.Loop() {
		w := NewWalker([]Start{{Path: dir + "/"}}, tree.WalkOptions{Recursive: true, Links: true})
		err := w.Walk(b.Context(), func(e tree.Entry) error {
			if e.Kind != tree.File {
				return nil
			}
			f, err := w.Open(e)
			if err != nil {
				return err
			}
			if _, err := f.ReadAt(buffer, 0); err != nil {
				return err
			}
			if err := f.Unchanged(); err != nil {
				return err
			}
			return f.Close()
		}, func(p tree.Problem) { b.Error(p.Fault) })
		if err != nil {
			b.Fatal(err)
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/files, "ns/file")
}
