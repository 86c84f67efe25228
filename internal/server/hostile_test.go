package server_test

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
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
		{"put", func(*raw) []any { return []any{aPut(1)} }, fault.Protocol},
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
		{"no ready", func(r *raw) []any { return []any{r.hello(transport.Put), aPut(1)} }, fault.Protocol},
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
		"nothing": nil, "hello": &pb.Hello{}, "ready": &pb.Ready{}, "finish": &pb.Finish{}, "offers": &pb.Offers{},
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
	r.say(t, aPut(0), &pb.Finish{})
	if r.hear(t).GetAccept() == nil || r.hear(t).GetCommitted() == nil {
		t.Error("an Abort for nothing does harm")
	}
}

// Names that lead elsewhere are refused, and the session lives on.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{})
	path := func(p string) *pb.Put { return with(aPut(0), func(m *pb.Put) { m.Path = []byte(p) }) }
	base := func(b string) *pb.Put {
		return with(aPut(0), func(m *pb.Put) { m.Path, m.BaseName = nil, []byte(b) })
	}
	tests := []struct {
		put  *pb.Put
		want fault.Code
	}{
		{&pb.Put{}, fault.Protocol},
		{with(aPut(0), func(m *pb.Put) { m.Metadata = nil }), fault.Protocol},
		{base("../x"), fault.Protocol},
		{base(".."), fault.Protocol},
		{base(""), fault.Protocol},
		{base("a\x00"), fault.Protocol},
		{base(strings.Repeat("x", 5000)), fault.Protocol},
		{path("../../etc/passwd"), fault.Usage},
		{path("../secret"), fault.Usage},
		{path("sub/../../secret"), fault.Usage},
		{path("/../secret"), fault.Usage},
		{path("x\x00"), fault.Protocol},
		{path(strings.Repeat("x", 5000)), fault.Protocol},
		{path(strings.Repeat("x", 256)), fault.Usage},
		{path(strings.Repeat("x/", 2000)), fault.NotFound},
		{with(path("/etc/passwd"), func(m *pb.Put) { m.Export = "" }), fault.NotExport},
		{with(path(d.outer+"/data/../secret"), func(m *pb.Put) { m.Export = "" }), fault.NotExport},
		{with(aPut(0), func(m *pb.Put) { m.Metadata.Size = math.MaxUint64 }), fault.Protocol},
		{with(aPut(0), func(m *pb.Put) { m.Metadata.Mode = 0o4777 }), fault.Protocol},
	}
	r := d.shake(t, transport.Put)
	for _, tt := range tests {
		r.say(t, tt.put)
		m := r.hear(t)
		if got := wire.ToFault(m.GetFault(), ""); m.GetFault() == nil || got.Code != tt.want {
			t.Fatalf("path %.40q, base %.40q: got %v %v, want %v", tt.put.GetPath(), tt.put.GetBaseName(), got.Code, got, tt.want)
		}
	}
	d.untouched(t)
	lists(t, d.dir, "sub")
	d.serves(t)
}

// A transfer that is not as announced ends with a fault and leaves nothing, and
// the daemon serves on.
func TestHostileTransfer(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{})
	const n = 10 // chunks
	data := source(t, noise(n*chunk))
	change := func(f func(o *pb.Offer)) func(r *raw) []any {
		return func(r *raw) []any { return []any{offers(with(r.offer(t, data, 0), f))} }
	}
	tests := []struct {
		name string
		say  func(r *raw) []any
		want fault.Code
	}{
		{"chunk out of range", change(func(o *pb.Offer) { o.Chunk = n }), fault.Protocol},
		{"chunk 2^63", change(func(o *pb.Offer) { o.Chunk = 1 << 63 }), fault.Protocol},
		{"ticket of 2 chunks", change(func(o *pb.Offer) { o.Ticket.Length = 2 * chunk }), fault.Protocol},
		{"ticket of 4 GiB", change(func(o *pb.Offer) { o.Ticket.Length = math.MaxUint32 }), fault.Protocol},
		{"ticket of nothing", change(func(o *pb.Offer) { o.Ticket.Length = 0 }), fault.Protocol},
		{"no ticket", change(func(o *pb.Offer) { o.Ticket = nil }), fault.Protocol},
		{"digest of 15", change(func(o *pb.Offer) { o.Digest = o.GetDigest()[1:] }), fault.Protocol},
		{"forged key", change(func(o *pb.Offer) { o.Ticket.Rkey ^= 1 }), fault.Lost},
		{"wrong digest", func(r *raw) []any {
			o := with(r.offer(t, data, 0), func(o *pb.Offer) { o.Digest[0] ^= 1 })
			return []any{offers(o), &pb.Heartbeat{}, "again", offers(o), "again", offers(o)}
		}, fault.Integrity},
		{"zero offer", func(*raw) []any { return []any{offers(&pb.Offer{})} }, fault.Protocol},
		{"the same twice", func(r *raw) []any { o := r.offer(t, data, 3); return []any{offers(o, o)} }, fault.Protocol},
		{"1025 offers at once", func(*raw) []any {
			all := &pb.Offers{}
			for i := range wire.MaxOffers + 1 {
				all.Offers = append(all.Offers, &pb.Offer{Chunk: uint64(i), Digest: make([]byte, 16), Ticket: &pb.Ticket{Length: chunk}})
			}
			return []any{all}
		}, fault.Protocol},
		{"10000 offers", func(r *raw) []any {
			o, all := r.offer(t, data, 0), make([]any, 10_000)
			for i := range all {
				all[i] = offers(o)
			}
			return all
		}, fault.Protocol},
		{"finish at once", func(*raw) []any { return []any{&pb.Finish{}} }, fault.Protocol},
		{"finish early", func(r *raw) []any { return []any{offers(r.offer(t, data, 0)), &pb.Finish{}} }, fault.Protocol},
		{"abort", func(r *raw) []any { return []any{offers(r.offer(t, data, 0)), &pb.Abort{}} }, fault.Interrupted},
		{"put within", func(*raw) []any { return []any{aPut(1)} }, fault.Protocol},
		{"get within", func(*raw) []any { return []any{&pb.Get{}} }, fault.Protocol},
		{"hello within", func(*raw) []any { return []any{&pb.Hello{}} }, fault.Protocol},
		{"nothing in it", func(*raw) []any { return []any{nil} }, fault.Protocol},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := d.shake(t, transport.Put)
			r.say(t, aPut(n))
			for _, m := range tt.say(r) {
				if m != "again" {
					r.say(t, m)
					continue
				}
				for r.hear(t).GetSettled() == nil {
				}
			}
			failsWith(t, r.verdict(t), tt.want)
			lists(t, d.dir, "sub")
			r.say(t, &pb.Offers{}, &pb.Finish{}, &pb.Abort{}) // what may have been under way
			r.say(t, aPut(0), &pb.Finish{})
			if r.hear(t).GetAccept() == nil || r.hear(t).GetCommitted() == nil {
				t.Error("the session does not live on")
			}
			must(t, os.Remove(filepath.Join(d.dir, "x")))
		})
	}
	d.untouched(t)
	d.serves(t)
}

// Messages beyond the limit, and more of them than the window, end the session.
func TestHostileVolume(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{})
	r := d.shake(t, transport.Put)
	r.say(t, &pb.Put{Path: bytes.Repeat([]byte{'x'}, wire.MaxMessage)})
	if _, err := r.next(); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("a long message: %v", err)
	}
	d.serves(t)
}
