package storage

import (
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
