package client_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/storage"
	"github.com/rdmacp/rdmacp/internal/transfer"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

func accept() *pb.SessionResponse {
	return &pb.SessionResponse{Message: &pb.SessionResponse_Accept{Accept: &pb.Accept{Path: []byte("/x")}}}
}

func batch(b *pb.Batch) *pb.SessionResponse {
	return &pb.SessionResponse{Message: &pb.SessionResponse_Batch{Batch: b}}
}

func settled(s ...*pb.Settlement) *pb.SessionResponse { return batch(&pb.Batch{Settled: s}) }

// wanted asks for the one file of a put.
func wanted(rs ...*pb.Range) *pb.SessionResponse {
	return batch(&pb.Batch{Verdicts: []*pb.Verdict{{Id: 1, Answer: pb.Answer_ANSWER_WANT, Change: 1, Ranges: rs}}})
}

// entry is a file of one chunk, or what change makes of it.
func entry(change func(e *pb.Entry)) *pb.Entry {
	e := &pb.Entry{Id: 1, Name: []byte("x"), Kind: pb.Kind_KIND_FILE, Mode: 0o600, Size: chunk}
	if change != nil {
		change(e)
	}
	return e
}

// told tells of entries, and that these are all.
func told(es ...*pb.Entry) *pb.SessionResponse { return batch(&pb.Batch{Entries: es, Last: true}) }

func committed() *pb.SessionResponse {
	return &pb.SessionResponse{Message: &pb.SessionResponse_Committed{Committed: &pb.Committed{}}}
}

// script is what a daemon says, and what comes of it.
type script struct {
	name string
	say  []*pb.SessionResponse
	want fault.Code
}

func play(name string, want fault.Code, say ...*pb.SessionResponse) script {
	return script{name, say, want}
}

func (s script) run(t *testing.T, d transport.Direction) {
	t.Helper()
	t.Run(d.String()+" "+s.name, func(t *testing.T) {
		within(t, soon, func() { failsWith(t, hostile(t, d, s.say), s.want) })
	})
}

// A daemon that says what it may not say gets no further: the client fails with
// a fault, in time, and a get leaves nothing.
func TestHostileDaemon(t *testing.T) {
	t.Parallel()
	many := make([]*pb.Settlement, 20_000)
	for i := range many {
		many[i] = &pb.Settlement{Id: uint64(i + 1)}
	}
	offer := &pb.Offer{Id: 1, Segments: []*pb.Segment{{Id: 1, Length: 1}}, Ticket: &pb.Ticket{Length: 1}}
	for _, tt := range []script{
		play("nothing in it", fault.Protocol, &pb.SessionResponse{}),
		play("welcome again", fault.Protocol, &pb.SessionResponse{Message: &pb.SessionResponse_Welcome{}}),
		play("committed at once", fault.Protocol, committed()),
		play("committed early", fault.Protocol, accept(), committed()),
		play("batch at once", fault.Protocol, batch(&pb.Batch{})),
		play("accept twice", fault.Protocol, accept(), accept()),
		play("not offered", fault.Protocol, accept(), settled(&pb.Settlement{Id: 77})),
		play("offer 2^63", fault.Protocol, accept(), settled(&pb.Settlement{Id: 1 << 63})),
		play("offer 0", fault.Protocol, accept(), settled(&pb.Settlement{})),
		play("20000 settlements", fault.Protocol, accept(), settled(many...)),
		play("offer", fault.Protocol, accept(), batch(&pb.Batch{Offers: []*pb.Offer{offer}})),
		play("problem without fault", fault.Protocol, accept(), batch(&pb.Batch{Problems: []*pb.Problem{{}}})),
		play("fault of no code", fault.Internal, &pb.SessionResponse{Message: &pb.SessionResponse_Fault{}}),
		play("fault in the middle", fault.NoSpace, accept(),
			&pb.SessionResponse{Message: &pb.SessionResponse_Fault{Fault: &pb.Fault{Code: pb.FaultCode_FAULT_CODE_NO_SPACE}}}),
	} {
		tt.run(t, transport.Put)
		tt.run(t, transport.Get)
	}
}

// A daemon that takes what a client puts and answers what no sink answers gets no further.
func TestHostileSink(t *testing.T) {
	t.Parallel()
	all := &pb.Range{Length: chunk}
	zero := make([]byte, 16)
	again := settled(&pb.Settlement{Id: 1, Digest: zero, Again: true})
	verdict := func(v *pb.Verdict) *pb.SessionResponse { return batch(&pb.Batch{Verdicts: []*pb.Verdict{v}}) }
	outcome := batch(&pb.Batch{Outcomes: []*pb.Outcome{{Id: 1}}})
	for _, tt := range []script{
		play("entry", fault.Protocol, accept(), told(entry(nil))),
		play("seal", fault.Protocol, accept(), batch(&pb.Batch{Seals: []*pb.Seal{{Id: 1}}})),
		play("verdict on nothing", fault.Protocol, accept(), verdict(&pb.Verdict{Id: 7, Answer: pb.Answer_ANSWER_DONE})),
		play("no answer", fault.Protocol, accept(), verdict(&pb.Verdict{Id: 1})),
		play("failure without fault", fault.Protocol, accept(), verdict(&pb.Verdict{Id: 1, Answer: pb.Answer_ANSWER_FAIL})),
		play("two verdicts", fault.Protocol, accept(), wanted(all), wanted(all)),
		play("more than there is", fault.Protocol, accept(), wanted(&pb.Range{Length: chunk + 1})),
		play("what is not there", fault.Protocol, accept(), wanted(&pb.Range{Offset: 1 << 50, Length: 1 << 50})),
		play("ranges that overlap", fault.Protocol, accept(), wanted(all, &pb.Range{Offset: 1, Length: 1})),
		play("outcome at once", fault.Protocol, accept(), outcome),
		play("outcome ahead of the bytes", fault.Protocol, accept(), wanted(all), outcome),
		play("done at once", fault.Protocol, accept(), batch(&pb.Batch{Done: true})),
		play("done early", fault.Protocol, accept(), wanted(all), batch(&pb.Batch{Done: true})),
		play("digest of other bytes", fault.Integrity, accept(), wanted(all), settled(&pb.Settlement{Id: 1, Digest: zero})),
		play("again without end", fault.Integrity, accept(), wanted(all), again, again, again, again),
		play("kept what was not compared", fault.Protocol, accept(), wanted(all), settled(&pb.Settlement{Id: 1, Kept: []uint32{0}})),
		play("kept what is not there", fault.Protocol, accept(), wanted(all), settled(&pb.Settlement{Id: 1, Kept: []uint32{9}})),
	} {
		tt.run(t, transport.Put)
	}
}

// What no tree has, a get does not make.
func TestHostileSource(t *testing.T) {
	t.Parallel()
	named := func(name string) *pb.SessionResponse {
		return told(entry(func(e *pb.Entry) { e.Name = []byte(name) }))
	}
	for _, tt := range []script{
		play("name ..", fault.Protocol, accept(), named("..")),
		play("name ../x", fault.Protocol, accept(), named("../x")),
		play("name /x", fault.Protocol, accept(), named("/x")),
		play("name with NUL", fault.Protocol, accept(), named("x\x00")),
		play("no name", fault.Protocol, accept(), named("")),
		play("in itself", fault.Protocol, accept(), told(entry(func(e *pb.Entry) { e.Parent = 1 }))),
		play("out of order", fault.Protocol, accept(), told(entry(func(e *pb.Entry) { e.Id = 2 }))),
		play("size", fault.Protocol, accept(), told(entry(func(e *pb.Entry) { e.Size = math.MaxUint64 }))),
		play("holes beyond the end", fault.Protocol, accept(), told(entry(func(e *pb.Entry) {
			e.Data = &pb.Ranges{Ranges: []*pb.Range{{Offset: chunk, Length: 1}}}
		}))),
		play("long link", fault.Protocol, accept(), told(entry(func(e *pb.Entry) {
			e.Kind, e.Size, e.Link = pb.Kind_KIND_SYMLINK, 0, bytes.Repeat([]byte{'x'}, 5000)
		}))),
		play("more behind the last", fault.Protocol, accept(), told(entry(nil)), told(entry(func(e *pb.Entry) { e.Id = 2 }))),
		play("verdict", fault.Protocol, accept(), wanted()),
		play("outcome", fault.Protocol, accept(), batch(&pb.Batch{Outcomes: []*pb.Outcome{{Id: 1}}})),
		play("done", fault.Protocol, accept(), batch(&pb.Batch{Done: true})),
		play("removed", fault.Protocol, accept(), batch(&pb.Batch{Removed: [][]byte{[]byte("x")}})),
		play("seal of nothing", fault.Protocol, accept(), batch(&pb.Batch{Seals: []*pb.Seal{{Id: 1}}})),
		play("again", fault.Protocol, accept(), told(entry(nil)), settled(&pb.Settlement{Id: 1, Again: true})),
		play("flood", fault.Protocol, append([]*pb.SessionResponse{accept()}, flood()...)...),
	} {
		tt.run(t, transport.Get)
	}
}

// What is in a directory that is none, or that a link leads to, is not made either.
func TestHostileParents(t *testing.T) {
	t.Parallel()
	link := entry(func(e *pb.Entry) { e.Kind, e.Size, e.Link = pb.Kind_KIND_SYMLINK, 0, []byte("..") })
	for _, first := range []*pb.Entry{link, entry(func(e *pb.Entry) { e.Kind, e.Size = pb.Kind_KIND_FIFO, 0 })} {
		s := dial(t, fakeDaemon(t, transport.Get, nil, func(stream serverStream) error {
			_ = until(stream, func(m *pb.SessionRequest) bool { return m.GetCopy() != nil })
			_ = stream.Send(accept())
			_ = stream.Send(told(first, entry(func(e *pb.Entry) { e.Id, e.Parent, e.Name = 2, 1, []byte("y") })))
			_ = until(stream, func(m *pb.SessionRequest) bool { return m.GetFinish() != nil })
			_ = stream.Send(committed())
			return linger(stream)
		}))
		outer := t.TempDir()
		must(t, os.Mkdir(filepath.Join(outer, "dir"), 0o700))
		dst, err := storage.Land(filepath.Join(outer, "dir"), tree.Into, true, tree.LandOptions{})
		must(t, err)
		w := &witness{}
		j := client.Job{Walk: tree.WalkOptions{Recursive: true, Links: true, Specials: true}}
		r, err := s.Get(t.Context(), []client.Target{{Export: "e", Path: "x"}}, dst, w.watch(j))
		must(t, err)
		must(t, dst.Close())
		failsWith(t, w.why(nil), fault.Protocol)
		if left, err := os.ReadDir(outer); err != nil || len(left) != 1 || r.Problems != 1 || r.Files != 0 {
			t.Errorf("there is %v, %v; reported %+v", left, err, r)
		}
	}
}

// flood is more files at once than may be open.
func flood() []*pb.SessionResponse {
	var all []*pb.SessionResponse
	for id := uint64(1); id < 40_000; {
		b := &pb.Batch{}
		for range 2000 {
			b.Entries = append(b.Entries, entry(func(e *pb.Entry) { e.Id, e.Name = id, fmt.Appendf(nil, "x%d", id) }))
			id++
		}
		all = append(all, batch(b))
	}
	return all
}

// hostile copies one chunk from or to a daemon that says what it is told to, a
// settlement after an offer, and then ends what the client aborts.
func hostile(t *testing.T, d transport.Direction, say []*pb.SessionResponse) error {
	t.Helper()
	s := dial(t, fakeDaemon(t, d, nil, func(stream serverStream) error {
		_ = until(stream, func(m *pb.SessionRequest) bool { return m.GetCopy() != nil })
		heard := d == transport.Get
		for i, m := range say {
			switch b := m.GetBatch(); {
			case len(b.GetSettled()) == 1 && i > 1:
				_ = until(stream, func(m *pb.SessionRequest) bool { return len(m.GetBatch().GetOffers()) > 0 || m.GetAbort() != nil })
			case b != nil && i > 0 && !heard: // the file has to be known
				_ = until(stream, func(m *pb.SessionRequest) bool { return m.GetBatch().GetLast() || m.GetAbort() != nil })
				heard = true
			}
			_ = stream.Send(m)
		}
		_ = until(stream, func(m *pb.SessionRequest) bool { return m.GetAbort() != nil })
		_ = stream.Send(&pb.SessionResponse{Message: &pb.SessionResponse_Fault{}})
		return linger(stream)
	}))
	if d == transport.Get {
		return get(t, s)
	}
	return put(t.Context(), t, s, 1)
}

// A list that does not fit into a request is the user's to cut: the daemon hears
// nothing of it.
func TestLongList(t *testing.T) {
	t.Parallel()
	s := dial(t, fakeDaemon(t, transport.Get, nil, linger))
	j := client.Job{Walk: tree.WalkOptions{Files: make([]string, 30_000)}, Engine: transfer.Options{}}
	for i := range j.Walk.Files {
		j.Walk.Files[i] = "name"
	}
	_, err := s.Get(t.Context(), []client.Target{{Export: "e"}}, nil, j)
	failsWith(t, err, fault.Usage)
}

// Without digests there is nothing that what was written can be compared with.
func TestReadBackUnverified(t *testing.T) {
	t.Parallel()
	o := fakeDaemon(t, transport.Get, nil, linger)
	o.Unverified = true
	_, err := dial(t, o).Get(t.Context(), []client.Target{{Export: "e"}}, nil, client.Job{Land: tree.LandOptions{ReadBack: true}})
	failsWith(t, err, fault.Usage)
}

// A daemon that never answers an Abort costs little time, and the session.
func TestAbortUnanswered(t *testing.T) {
	t.Parallel()
	s := dial(t, fakeDaemon(t, transport.Put, nil, func(stream serverStream) error {
		_ = stream.Send(accept())
		return linger(stream)
	}))
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	failsWith(t, put(ctx, t, s, 1), fault.Timeout) // never sent: nothing to abort
	ctx, cancel = context.WithTimeout(t.Context(), 1e8)
	defer cancel()
	within(t, 5e9, func() { failsWith(t, put(ctx, t, s, 1), fault.Timeout) })
	within(t, 1e9, func() { failsWith(t, put(t.Context(), t, s, 1), fault.Interrupted) })
}

// A daemon that falls silent in the middle is dead after 5 s.
func TestSilentDaemon(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes the 5 s after which silence is death")
	}
	s := dial(t, fakeDaemon(t, transport.Put, nil, func(stream serverStream) error {
		_ = stream.Send(accept())
		return until(stream, func(*pb.SessionRequest) bool { return false })
	}))
	within(t, soon, func() { failsWith(t, put(t.Context(), t, s, 1), fault.Lost) })
}

// A daemon that ends the session in the middle, with a status or without.
func TestDaemonEndsSession(t *testing.T) {
	t.Parallel()
	s := dial(t, fakeDaemon(t, transport.Put, nil, func(stream serverStream) error {
		_ = until(stream, func(m *pb.SessionRequest) bool { return m.GetCopy() != nil })
		return stream.Send(accept())
	}))
	for range 2 {
		if f := failsWith(t, put(t.Context(), t, s, 1), fault.Lost); f.Host != "there" || f.Fix == "" {
			t.Errorf("poor fault %+v", f)
		}
	}
}
