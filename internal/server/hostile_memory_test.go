package server_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
	"github.com/rdmacp/rdmacp/internal/tree"
	"github.com/rdmacp/rdmacp/internal/wire"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// heap is what is in use, in bytes.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// mostHeld is what a daemon may hold for one client that nests or repeats what it likes.
const mostHeld = 64 << 20

// into is a put into the export itself.
func into(change func(m *pb.Copy)) *pb.Copy {
	m := with(aPut(), func(m *pb.Copy) { m.Targets[0].Path, m.Naming = nil, pb.Naming_NAMING_INTO })
	if change != nil {
		change(m)
	}
	return m
}

// tell says n entries, a message's worth at a time, and hears the answers to them. It
// returns how many of each there were, and the first fault.
func (r *raw) tell(t *testing.T, n, batch int, entry func(id uint64) *pb.Entry) (map[pb.Answer]int, *fault.Error) {
	t.Helper()
	answers := map[pb.Answer]int{}
	var first *fault.Error
	for id := uint64(1); id <= uint64(n); {
		b := &pb.Batch{}
		for ; len(b.GetEntries()) < batch && id <= uint64(n); id++ {
			b.Entries = append(b.Entries, entry(id))
		}
		b.Last = id > uint64(n)
		r.say(t, b)
		left := len(b.GetEntries())
		r.until(t, func(b *pb.Batch) bool {
			for _, v := range b.GetVerdicts() {
				answers[v.GetAnswer()]++
				if f := v.GetFault(); f != nil && first == nil {
					first = wire.ToFault(f, "")
				}
			}
			left -= len(b.GetVerdicts())
			return left <= 0
		})
	}
	return answers, first
}

// Directories in directories without end, with the longest names, take no memory to speak
// of: what lies too deep is refused by itself, and the rest is there.
func TestHostileDepth(t *testing.T) {
	d := start(t, memory.Faults{})
	const depth = 10_000
	name := bytes.Repeat([]byte{'d'}, 255)
	r := d.shake(t, transport.Put)
	r.say(t, into(nil))
	r.hear(t)
	before := heap()
	answers, first := r.tell(t, depth, 200, func(id uint64) *pb.Entry {
		return &pb.Entry{Id: id, Parent: id - 1, Name: name, Kind: pb.Kind_KIND_DIR, Mode: 0o700}
	})
	if grown := heap() - before; grown > mostHeld {
		t.Errorf("%d nested names hold %d MiB", depth, grown>>20)
	}
	made := answers[pb.Answer_ANSWER_DONE]
	if made == 0 || made*256 > tree.MaxPath || made+answers[pb.Answer_ANSWER_FAIL] != depth {
		t.Errorf("the answers are %v", answers)
	}
	if first == nil || first.Code != fault.Limit || !strings.Contains(first.Why.Error(), "longer than 64 KiB") || first.Fix == "" {
		t.Errorf("the first that is refused hears %v", first)
	}
	r.until(t, func(b *pb.Batch) bool { return b.GetDone() })
	r.say(t, &pb.Finish{})
	if r.hear(t).GetCommitted() == nil {
		t.Error("it does not end")
	}
	must(t, os.RemoveAll(filepath.Join(d.dir, string(name))))
	d.untouched(t)
	d.serves(t)
}

// Attributes that nobody keeps are not held until the end either, as large as they may be.
func TestHostileAttributes(t *testing.T) {
	d := start(t, memory.Faults{})
	const n = 2000 // 125 MiB
	value := noise(wire.MaxXattr)
	for name, kind := range map[string]pb.Kind{"links": pb.Kind_KIND_SYMLINK, "directories": pb.Kind_KIND_DIR, "FIFOs": pb.Kind_KIND_FIFO} {
		t.Run(name, func(t *testing.T) {
			r := d.shake(t, transport.Put)
			r.say(t, into(func(m *pb.Copy) { m.Land.Xattrs = kind == pb.Kind_KIND_SYMLINK }))
			r.hear(t)
			before := heap()
			answers, first := r.tell(t, n, 1, func(id uint64) *pb.Entry {
				e := &pb.Entry{Id: id, Name: fmt.Append(nil, name, id), Kind: kind, Mode: 0o700, Xattrs: []*pb.Xattr{{Name: []byte("user.x"), Value: value}}}
				if kind == pb.Kind_KIND_SYMLINK {
					e.Link = []byte("nowhere")
				}
				return e
			})
			if grown := heap() - before; grown > mostHeld {
				t.Errorf("%d entries hold %d MiB", n, grown>>20)
			}
			if answers[pb.Answer_ANSWER_DONE] != n {
				t.Errorf("the answers are %v, %v", answers, first)
			}
			r.until(t, func(b *pb.Batch) bool { return b.GetDone() })
			r.say(t, &pb.Finish{})
			r.hear(t)
		})
	}
	d.untouched(t)
	d.serves(t)
}
