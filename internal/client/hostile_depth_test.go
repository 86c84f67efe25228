package client_test

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/storage"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// heap is what is in use, in bytes.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Directories in directories without end, with the longest names, take no memory of the
// client's to speak of: what lies too deep is a problem of its own.
func TestHostileDepth(t *testing.T) {
	for name, walk := range map[string]tree.WalkOptions{
		"all":          {Recursive: true},
		"but for some": {Recursive: true, Filter: []tree.Rule{{Pattern: "x"}}},
	} {
		t.Run(name, func(t *testing.T) { nests(t, walk) })
	}
}

// nests gets from a daemon that nests directories.
func nests(t *testing.T, walk tree.WalkOptions) {
	t.Helper()
	const depth, most = 10_000, 64 << 20
	name := strings.Repeat("d", 255)
	var grown int64
	s := dial(t, fakeDaemon(t, transport.Get, nil, func(stream serverStream) error {
		_ = until(stream, func(m *pb.SessionRequest) bool { return m.GetCopy() != nil })
		_ = stream.Send(accept())
		before := heap()
		for id := uint64(1); id <= depth; {
			b := &pb.Batch{}
			for ; len(b.GetEntries()) < 200; id++ {
				b.Entries = append(b.Entries, &pb.Entry{Id: id, Parent: id - 1, Name: []byte(name), Kind: pb.Kind_KIND_DIR, Mode: 0o700})
			}
			b.Last = id > depth
			_ = stream.Send(batch(b))
			_ = until(stream, func(m *pb.SessionRequest) bool {
				return slices.ContainsFunc(m.GetBatch().GetVerdicts(), func(v *pb.Verdict) bool { return v.GetId() == id-1 })
			})
		}
		grown = heap() - before
		_ = until(stream, func(m *pb.SessionRequest) bool { return m.GetFinish() != nil })
		_ = stream.Send(committed())
		return linger(stream)
	}))
	dir := filepath.Join(t.TempDir(), "dir")
	must(t, os.Mkdir(dir, 0o700))
	dst, err := storage.Land(dir, tree.Into, true, tree.LandOptions{})
	must(t, err)
	w := &witness{}
	r, err := s.Get(t.Context(), []client.Target{{Export: "e", Path: name}}, dst, w.watch(client.Job{Walk: walk}))
	must(t, err)
	must(t, dst.Close())
	if f := failsWith(t, w.why(nil), fault.Limit); !strings.Contains(f.Why.Error(), "longer than 64 KiB") || f.Fix == "" {
		t.Errorf("poor fault %+v", f)
	}
	if made := depth - int(r.Problems); made < 200 || made*256 > tree.MaxPath {
		t.Errorf("%d directories were made", made)
	}
	if grown > most {
		t.Errorf("%d nested names hold %d MiB", depth, grown>>20)
	}
	must(t, os.RemoveAll(dir))
}
