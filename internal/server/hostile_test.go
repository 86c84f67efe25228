package server_test

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
	"github.com/rdmacp/rdmacp/internal/wire"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// with returns a message with something changed.
func with[M proto.Message](m M, change func(M)) M {
	change(m)
	return m
}

// A client that does not say which version it is leaves the books as any other does.
func TestNameless(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{})
	r := d.raw(t, transport.Put)
	r.say(t, with(r.hello(transport.Put), func(h *pb.Hello) { h.Version = "" }))
	if r.hear(t).GetWelcome() == nil {
		t.Fatal("it is not let in")
	}
	r.say(t, &pb.Ready{})
	eventually(t, "the session is in the books", func() bool { return len(d.Sessions()) == 1 })
	must(t, r.stream.CloseSend())
	eventually(t, "the session is out of the books", func() bool { return len(d.Sessions()) == 0 })
}

// What is said instead of a Hello, or after it, ends the session with a fault.
func TestHostileHandshake(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{})
	tests := []struct {
		name string
		say  func(r *raw) []any
		want fault.Code
	}{
		{"nothing in it", func(*raw) []any { return []any{nil} }, fault.Protocol},
		{"copy", func(*raw) []any { return []any{aPut()} }, fault.Protocol},
		{"ready", func(*raw) []any { return []any{&pb.Ready{}} }, fault.Protocol},
		{"zero hello", func(*raw) []any { return []any{&pb.Hello{}} }, fault.Version},
		{"protocol 2", func(r *raw) []any {
			return []any{with(r.hello(transport.Put), func(h *pb.Hello) { h.Protocol = 2 })}
		}, fault.Version},
		{"no slots", func(r *raw) []any {
			return []any{with(r.hello(transport.Put), func(h *pb.Hello) { h.Slots = 0 })}
		}, fault.Protocol},
		{"chunk of 4 GiB", func(r *raw) []any {
			return []any{with(r.hello(transport.Put), func(h *pb.Hello) { h.ChunkSize = math.MaxUint32 })}
		}, fault.Protocol},
		{"10000 queue pairs", func(r *raw) []any {
			return []any{with(r.hello(transport.Put), func(h *pb.Hello) {
				for range 10_000 {
					h.Endpoint.QueuePairs = append(h.Endpoint.QueuePairs, &pb.QueuePair{Number: 7})
				}
			})}
		}, fault.Protocol},
		{"queue pair of somebody else", func(r *raw) []any {
			return []any{with(r.hello(transport.Put), func(h *pb.Hello) { h.Endpoint.QueuePairs[0].Number ^= 1 })}
		}, fault.Internal},
		{"hello twice", func(r *raw) []any { return []any{r.hello(transport.Put), r.hello(transport.Put)} }, fault.Protocol},
		{"no ready", func(r *raw) []any { return []any{r.hello(transport.Put), aPut()} }, fault.Protocol},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := d.raw(t, transport.Put)
			r.say(t, tt.say(r)...)
			failsWith(t, r.verdict(t), tt.want)
		})
	}
	d.serves(t)
}

// What is not a client's turn to say ends the session.
func TestHostileIdle(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{})
	for name, m := range map[string]any{
		"nothing": nil, "hello": &pb.Hello{}, "ready": &pb.Ready{}, "finish": &pb.Finish{}, "batch": &pb.Batch{},
	} {
		r := d.shake(t, transport.Put)
		r.say(t, m)
		_, err := r.next()
		if f := detail(t, err); f.Code != fault.Protocol {
			t.Errorf("%s: got %v", name, f)
		}
	}
	r := d.shake(t, transport.Put)
	r.say(t, &pb.Abort{}, &pb.Abort{}) // one may cross the end of its transfer
	r.copies(t, aPut())
}

// Targets that lead elsewhere are refused, and the session lives on.
func TestHostileTargets(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{})
	path := func(p string) *pb.Copy {
		return with(aPut(), func(m *pb.Copy) { m.Targets[0].Path = []byte(p) })
	}
	abs := func(p string) *pb.Copy { return with(path(p), func(m *pb.Copy) { m.Targets[0].Export = "" }) }
	tests := []struct {
		copy *pb.Copy
		want fault.Code
	}{
		{&pb.Copy{}, fault.Protocol},
		{aGet(), fault.Protocol},
		{with(aPut(), func(m *pb.Copy) { m.Land = nil }), fault.Protocol},
		{with(aPut(), func(m *pb.Copy) { m.Naming = 0 }), fault.Protocol},
		{with(aPut(), func(m *pb.Copy) { m.Targets = append(m.Targets, m.GetTargets()...) }), fault.Protocol},
		{with(aPut(), func(m *pb.Copy) { m.RemoveSources = true }), fault.Protocol},
		{path("../../etc/passwd"), fault.Usage},
		{path("../secret"), fault.Usage},
		{path(".."), fault.Usage},
		{path("../"), fault.Usage},
		{path("sub/../../secret"), fault.Usage},
		{path("/../secret"), fault.Usage},
		{path("x\x00"), fault.Protocol},
		{path(strings.Repeat("x", 5000)), fault.Protocol},
		{path(strings.Repeat("x", 256)), fault.Usage},
		{path(strings.Repeat("x/", 2000)), fault.NotFound},
		{abs("/etc/passwd"), fault.NotExport},
		{abs(d.outer + "/data/../secret"), fault.NotExport},
	}
	r := d.shake(t, transport.Put)
	for _, tt := range tests {
		r.say(t, tt.copy)
		m := r.hear(t)
		if got := wire.ToFault(m.GetFault(), ""); m.GetFault() == nil || got.Code != tt.want {
			t.Fatalf("%.80v: got %v %v, want %v", tt.copy, got.Code, got, tt.want)
		}
	}
	r.copies(t, aPut())
	d.untouched(t)
	lists(t, d.dir, "sub")
	d.serves(t)
}

// What a get must not read or remove is refused, and the session lives on.
func TestHostileGet(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{})
	target := func(export, path string) *pb.Copy {
		return with(aGet(), func(m *pb.Copy) { m.Targets = []*pb.Target{{Export: export, Path: []byte(path)}} })
	}
	tests := []struct {
		copy *pb.Copy
		want fault.Code
	}{
		{&pb.Copy{}, fault.Protocol},
		{aPut(), fault.Protocol},
		{with(aGet(), func(m *pb.Copy) { m.Targets = nil }), fault.Protocol},
		{with(target("ro", ""), func(m *pb.Copy) { m.RemoveSources = true }), fault.ReadOnly},
		{target("", d.outer+"/secret"), fault.NotExport},
		{target("none", "x"), fault.NotExport},
		{target("data", "../s*"), fault.Usage},
		{target("data", "non?"), fault.NotFound},
		{with(aGet(), func(m *pb.Copy) { m.Targets = append(m.Targets, &pb.Target{Path: []byte("/etc")}) }), fault.NotExport},
	}
	r := d.shake(t, transport.Get)
	for _, tt := range tests {
		r.say(t, tt.copy)
		failsWith(t, r.verdict(t), tt.want)
	}
	// What the walk finds out comes as a problem, and nothing besides.
	for _, path := range []string{"../secret", "sub/../../secret", "none", strings.Repeat("x", 300)} {
		r.say(t, target("data", path))
		if r.hear(t).GetAccept() == nil {
			t.Fatalf("%.40q is refused", path)
		}
		problems := 0
		r.until(t, func(b *pb.Batch) bool {
			problems += len(b.GetProblems())
			if len(b.GetEntries()) > 0 {
				t.Errorf("%.40q holds %v", path, b.GetEntries())
			}
			return b.GetLast()
		})
		if problems != 1 {
			t.Errorf("%.40q makes %d problems", path, problems)
		}
		r.say(t, &pb.Finish{})
		if r.hear(t).GetCommitted() == nil {
			t.Errorf("%.40q does not end", path)
		}
	}
	r.copies(t, aGet())
	d.untouched(t)
}

// Entries that no tree has end the transfer, and nothing is made of them.
func TestHostileEntries(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{})
	entries := func(es ...*pb.Entry) *pb.Batch { return &pb.Batch{Entries: es} }
	named := func(name string) *pb.Batch {
		return entries(with(aFile(1, 0), func(e *pb.Entry) { e.Name = []byte(name) }))
	}
	dir := &pb.Entry{Id: 1, Name: []byte("d"), Kind: pb.Kind_KIND_DIR, Mode: 0o700}
	tests := []struct {
		name string
		say  []any
	}{
		{"..", []any{named("..")}},
		{".", []any{named(".")}},
		{"../secret", []any{named("../secret")}},
		{"/etc/passwd", []any{named("/etc/passwd")}},
		{"no name", []any{named("")}},
		{"NUL", []any{named("a\x00")}},
		{"long name", []any{named(strings.Repeat("x", 300))}},
		{"size of 2^64-1", []any{entries(with(aFile(1, 0), func(e *pb.Entry) { e.Size = math.MaxUint64 }))}},
		{"mode of a device", []any{entries(with(aFile(1, 0), func(e *pb.Entry) { e.Mode = 0o20666 }))}},
		{"out of order", []any{entries(aFile(2, 0))}},
		{"the same twice", []any{entries(dir), entries(dir)}},
		{"its own parent", []any{entries(with(aFile(1, 0), func(e *pb.Entry) { e.Parent = 1 }))}},
		{"more behind the last", []any{&pb.Batch{Last: true, Entries: []*pb.Entry{dir}}, entries(aFile(2, 0))}},
		{"verdict", []any{&pb.Batch{Verdicts: []*pb.Verdict{{Id: 1, Answer: pb.Answer_ANSWER_DONE}}}}},
		{"outcome", []any{&pb.Batch{Outcomes: []*pb.Outcome{{Id: 1}}}}},
		{"settlement", []any{&pb.Batch{Settled: []*pb.Settlement{{Id: 1}}}}},
		{"removed", []any{&pb.Batch{Removed: [][]byte{[]byte("x")}}}},
		{"done", []any{&pb.Batch{Done: true}}},
		{"finish at once", []any{&pb.Finish{}}},
		{"finish early", []any{&pb.Batch{Last: true, Entries: []*pb.Entry{aFile(1, chunk)}}, &pb.Finish{}}},
		{"40000 entries at once", flood()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := d.shake(t, transport.Put)
			r.say(t, with(aPut(), func(m *pb.Copy) { m.Targets[0].Path, m.Naming = nil, pb.Naming_NAMING_INTO }))
			r.say(t, tt.say...)
			failsWith(t, r.verdict(t), fault.Protocol)
			for _, name := range names(t, d.dir) {
				if name != "sub" && name != "d" && name != "x" {
					t.Errorf("there is %q now", name)
				}
			}
		})
	}
	d.untouched(t)
	d.serves(t)
}

// flood is more files at once than may be open.
func flood() []any {
	var all []any
	for id := uint64(1); id < 40_000; {
		b := &pb.Batch{}
		for range 2000 {
			b.Entries = append(b.Entries, with(aFile(id, chunk), func(e *pb.Entry) { e.Name = fmt.Append(nil, id) }))
			id++
		}
		all = append(all, b)
	}
	return all
}

// A directory that is not there, or is none, takes nothing in: that is told, and
// the rest is copied.
func TestHostileParents(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{})
	r := d.shake(t, transport.Put)
	r.say(t, with(aPut(), func(m *pb.Copy) { m.Targets[0].Path, m.Naming = nil, pb.Naming_NAMING_INTO }))
	link := &pb.Entry{Id: 2, Name: []byte("l"), Kind: pb.Kind_KIND_SYMLINK, Link: []byte("..")}
	inFile := with(aFile(3, 0), func(e *pb.Entry) { e.Parent, e.Name = 1, []byte("y") })
	inLink := with(aFile(4, 0), func(e *pb.Entry) { e.Parent, e.Name = 2, []byte("z") })
	r.say(t, &pb.Batch{Entries: []*pb.Entry{aFile(1, 0), link, inFile, inLink}, Last: true})
	r.hear(t)
	answers := map[uint64]pb.Answer{}
	r.until(t, func(b *pb.Batch) bool {
		for _, v := range b.GetVerdicts() {
			answers[v.GetId()] = v.GetAnswer()
			if v.GetAnswer() == pb.Answer_ANSWER_WANT {
				r.say(t, &pb.Batch{Seals: []*pb.Seal{{Id: v.GetId()}}})
			}
		}
		return b.GetDone()
	})
	if answers[1] != pb.Answer_ANSWER_WANT || answers[3] != pb.Answer_ANSWER_FAIL || answers[4] != pb.Answer_ANSWER_FAIL {
		t.Errorf("the answers are %v", answers)
	}
	r.say(t, &pb.Finish{})
	if r.hear(t).GetCommitted() == nil {
		t.Error("it does not end")
	}
	lists(t, d.outer, "data", "ro", "secret")
	d.untouched(t)
}

// A transfer that is not as announced ends with a fault and leaves no file that is
// not complete, and the session serves on.
func TestHostileTransfer(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{})
	const n = 10 // chunks
	data := noise(n * chunk)
	change := func(f func(o *pb.Offer)) func(t *testing.T, r *raw) []any {
		return func(t *testing.T, r *raw) []any { t.Helper(); return []any{offers(with(r.offer(t, data, 0), f))} }
	}
	say := func(ms ...any) func(t *testing.T, r *raw) []any {
		return func(*testing.T, *raw) []any { return ms }
	}
	tests := []struct {
		name string
		say  func(t *testing.T, r *raw) []any
		want fault.Code
	}{
		{"ticket of 2 chunks", change(func(o *pb.Offer) { o.Ticket.Length = 2 * chunk }), fault.Protocol},
		{"ticket of 4 GiB", change(func(o *pb.Offer) { o.Ticket.Length = math.MaxUint32 }), fault.Protocol},
		{"ticket of nothing", change(func(o *pb.Offer) { o.Ticket.Length = 0 }), fault.Protocol},
		{"no ticket", change(func(o *pb.Offer) { o.Ticket = nil }), fault.Protocol},
		{"no segments", change(func(o *pb.Offer) { o.Segments = nil }), fault.Protocol},
		{"segment of nothing", change(func(o *pb.Offer) { o.Segments[0].Length = 0 }), fault.Protocol},
		{"segment of 2 chunks", change(func(o *pb.Offer) { o.Segments[0].Length = 2 * chunk }), fault.Protocol},
		{"segment beyond the end", change(func(o *pb.Offer) { o.Segments[0].Offset = n * chunk }), fault.Protocol},
		{"segment across the end", change(func(o *pb.Offer) { o.Segments[0].Offset = n*chunk - 1 }), fault.Protocol},
		{"segment at 2^63", change(func(o *pb.Offer) { o.Segments[0].Offset = 1 << 63 }), fault.Protocol},
		{"digest of 15", change(func(o *pb.Offer) { o.Digest = o.GetDigest()[1:] }), fault.Protocol},
		{"forged key", change(func(o *pb.Offer) { o.Ticket.Rkey ^= 1 }), fault.Lost},
		{"wrong digest", func(t *testing.T, r *raw) []any {
			t.Helper()
			o := with(r.offer(t, data, 0), func(o *pb.Offer) { o.Digest[0] ^= 1 })
			return []any{offers(o), &pb.Heartbeat{}, "again", offers(o), "again", offers(o)}
		}, fault.Integrity},
		{"zero offer", say(offers(&pb.Offer{})), fault.Protocol},
		{"the same twice", func(t *testing.T, r *raw) []any {
			t.Helper()
			o := r.offer(t, data, 3)
			return []any{offers(o, o)}
		}, fault.Protocol},
		{"1025 offers at once", func(*testing.T, *raw) []any {
			all := &pb.Batch{}
			for i := range uint64(wire.MaxOffers + 1) {
				all.Offers = append(all.Offers, &pb.Offer{Id: i + 1, Segments: []*pb.Segment{{Length: chunk}}, Ticket: &pb.Ticket{Length: chunk}})
			}
			return []any{all}
		}, fault.Protocol},
		{"10000 times the same", func(t *testing.T, r *raw) []any {
			t.Helper()
			o, all := r.offer(t, data, 0), make([]any, 10_000)
			for i := range all {
				all[i] = offers(o)
			}
			return all
		}, fault.Protocol},
		{"seal of a file that nobody knows", say(&pb.Batch{Seals: []*pb.Seal{{Id: 2}}}), fault.Protocol},
		{"seal of another size", say(&pb.Batch{Seals: []*pb.Seal{{Id: 1, Size: 1}}}), fault.Protocol},
		{"finish at once", say(&pb.Finish{}), fault.Protocol},
		{"finish early", func(t *testing.T, r *raw) []any {
			t.Helper()
			return []any{offers(r.offer(t, data, 0)), &pb.Finish{}}
		}, fault.Protocol},
		{"abort", func(t *testing.T, r *raw) []any {
			t.Helper()
			return []any{offers(r.offer(t, data, 0)), &pb.Abort{}}
		}, fault.Interrupted},
		{"copy within", say(aPut()), fault.Protocol},
		{"hello within", say(&pb.Hello{}), fault.Protocol},
		{"nothing in it", say(nil), fault.Protocol},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := d.shake(t, transport.Put)
			r.say(t, aPut(), one(n))
			r.hear(t)
			r.until(t, func(b *pb.Batch) bool { return len(b.GetVerdicts())+len(b.GetWanted()) > 0 })
			for _, m := range tt.say(t, r) {
				if m != "again" {
					r.say(t, m)
					continue
				}
				r.until(t, func(b *pb.Batch) bool { return len(b.GetSettled()) == 1 })
			}
			failsWith(t, r.verdict(t), tt.want)
			lists(t, d.dir, "sub")
			r.say(t, &pb.Batch{}, &pb.Finish{}, &pb.Abort{}) // what may have been under way
			r.copies(t, aPut())
		})
	}
	d.untouched(t)
	d.serves(t)
}

// More offers than the window do not make the daemon hold more: they wait.
func TestHostileWindow(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{})
	const n = 50 * slots
	data := noise(n * chunk)
	r := d.shake(t, transport.Put)
	r.say(t, aPut(), one(n))
	r.hear(t)
	r.until(t, func(b *pb.Batch) bool { return len(b.GetVerdicts())+len(b.GetWanted()) > 0 })
	// One loan stands for all: they have the same bytes.
	copy(data, bytes.Repeat(data[:chunk], n))
	o := r.offer(t, data, 0)
	all := &pb.Batch{}
	for i := range uint64(n) {
		all.Offers = append(all.Offers, with(proto.CloneOf(o), func(o *pb.Offer) { o.Id, o.Segments[0].Offset = i+1, i*chunk }))
	}
	r.say(t, all, &pb.Batch{Seals: []*pb.Seal{{Id: 1, Size: n * chunk}}})
	settled := 0
	r.until(t, func(b *pb.Batch) bool { settled += len(b.GetSettled()); return b.GetDone() })
	r.say(t, &pb.Finish{})
	if r.hear(t).GetCommitted() == nil || settled != n {
		t.Errorf("%d of %d offers are settled", settled, n)
	}
	holds(t, filepath.Join(d.dir, "x"), data)
}

// Patterns that stand for more names than the daemon looks for at once are refused, one by one
// and together, and the session lives on.
func TestHostilePatterns(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{})
	must(t, os.Mkdir(filepath.Join(d.dir, "many"), 0o700))
	for i := range 300 {
		must(t, os.WriteFile(filepath.Join(d.dir, "many", fmt.Sprint(i)), nil, 0o600))
		must(t, os.Symlink("../many", filepath.Join(d.dir, "sub", fmt.Sprint(i)))) // as if it held the same again
	}
	r := d.shake(t, transport.Get)
	ask := func(patterns ...string) *pb.Copy {
		return with(aGet(), func(m *pb.Copy) {
			m.Targets = nil
			for _, p := range patterns {
				m.Targets = append(m.Targets, &pb.Target{Export: "data", Path: []byte(p)})
			}
		})
	}
	for _, m := range []*pb.Copy{ask("sub/*/*"), ask("sub/1*/*", "sub/2*/*")} {
		r.say(t, m)
		failsWith(t, r.verdict(t), fault.Limit)
	}
	r.copies(t, aGet())
}

// Messages beyond the limit, once they are unpacked, too, end the session.
func TestHostileVolume(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{})
	r := d.shake(t, transport.Put)
	r.say(t, &pb.Copy{Targets: []*pb.Target{{Path: bytes.Repeat([]byte{'x'}, wire.MaxMessage)}}})
	if _, err := r.next(); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("a long message: %v", err)
	}
	// rdmad knows gzip, which the traces bring along: what counts is what comes out.
	long, err := d.raw(t, transport.Put).conn.NewStream(t.Context(), &pb.TransferService_ServiceDesc.Streams[0], pb.TransferService_Session_FullMethodName, grpc.UseCompressor(gzip.Name))
	must(t, err)
	_ = long.SendMsg(request(t, &pb.Copy{Targets: []*pb.Target{{Path: make([]byte, 16*wire.MaxMessage)}}}))
	for err == nil {
		err = long.RecvMsg(&pb.SessionResponse{}) // heartbeats may come ahead
	}
	if status.Code(err) != codes.ResourceExhausted || !strings.Contains(err.Error(), "after decompression") {
		t.Errorf("a message that is long once it is unpacked: %v", err)
	}
	d.serves(t)
}
