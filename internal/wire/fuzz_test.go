package wire_test

import (
	"bytes"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/storage"
	"github.com/rdmacp/rdmacp/internal/transfer"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/rails"
	"github.com/rdmacp/rdmacp/internal/tree"
	"github.com/rdmacp/rdmacp/internal/wire"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// fuzz feeds raw protobuf to check. The seeds are the valid message, an empty
// one, one cut short, and one that says everything three times.
func fuzz[M proto.Message](f *testing.F, valid M, fresh func() M, check func(t *testing.T, m M)) {
	f.Helper()
	raw, err := proto.Marshal(valid)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte{})
	f.Add(raw[:len(raw)-1])
	f.Add(bytes.Repeat(raw, 3))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m := fresh()
		if proto.Unmarshal(raw, m) == nil {
			check(t, m)
		}
	})
}

// refused checks what a parser says about a message that it does not accept.
func refused(t *testing.T, err error) {
	t.Helper()
	if c := fault.CodeOf(err); c != fault.Protocol && c != fault.Version {
		t.Errorf("refused with code %v: %v", c, err)
	}
}

func checkEndpoint(t *testing.T, e transport.Endpoint) {
	t.Helper()
	ok := len(e.Device) <= wire.MaxName && e.GID.Is6() && e.MTU >= 256 && e.MTU <= 4096 && e.MaxMessage >= wire.MinChunk &&
		e.MaxRead >= 1 && e.MaxRead < 1<<16 && len(e.QPs) >= 1 && len(e.QPs) <= wire.MaxQPs &&
		(e.LinkLayer == transport.InfiniBand || e.LinkLayer == transport.Ethernet)
	for _, qp := range e.QPs {
		ok = ok && qp.Number >= 2 && qp.Number < 1<<24 && qp.PSN < 1<<24
	}
	if !ok {
		t.Errorf("accepted %+v", e)
	}
}

func FuzzHello(f *testing.F) {
	fuzz(f, validHello(), func() *pb.Hello { return &pb.Hello{} }, func(t *testing.T, m *pb.Hello) {
		t.Helper()
		h, err := wire.ToHello(m, "v1")
		if err != nil {
			refused(t, err)
			return
		}
		checkEndpoint(t, h.Endpoint)
		if h.ChunkSize < wire.MinChunk || h.ChunkSize > wire.MaxChunk || h.Slots < 1 || h.Slots > wire.MaxSlots ||
			(h.Direction != transport.Put && h.Direction != transport.Get) {
			t.Errorf("accepted %+v", h)
		}
	})
}

func FuzzWelcome(f *testing.F) {
	fuzz(f, validWelcome(), func() *pb.Welcome { return &pb.Welcome{} }, func(t *testing.T, m *pb.Welcome) {
		t.Helper()
		w, err := wire.ToWelcome(m, 1<<20, "v1")
		if err != nil {
			refused(t, err)
			return
		}
		checkEndpoint(t, w.Endpoint)
		if w.ChunkSize < wire.MinChunk || w.ChunkSize > 1<<20 || !utf8.ValidString(w.Session) {
			t.Errorf("accepted %+v", w)
		}
	})
}

func FuzzRail(f *testing.F) {
	valid := wire.FromRail(wire.Rail{Endpoint: func() transport.Endpoint {
		e, err := wire.ToEndpoint(validHello().GetEndpoint())
		if err != nil {
			f.Fatal(err)
		}
		e.More = nil
		return e
	}(), Lost: 3, Reason: "none"})
	fuzz(f, valid, func() *pb.Rail { return &pb.Rail{} }, func(t *testing.T, m *pb.Rail) {
		t.Helper()
		r, err := wire.ToRail(m)
		if err != nil {
			refused(t, err)
			return
		}
		if !r.None() {
			checkEndpoint(t, r.Endpoint)
		}
		if r.Lost < 0 || r.Lost >= rails.Ever || r.None() != (m.GetEndpoint() == nil) || r.Endpoint.More != nil || !utf8.ValidString(r.Reason) {
			t.Errorf("accepted %+v", r)
		}
	})
}

func FuzzSnapshot(f *testing.F) {
	valid := wire.FromSnapshot(wire.Snapshot{
		Version: "v1", At: time.Hour, Bytes: 5, Open: 2,
		Sessions: []wire.Live{{ID: "A", Peer: "10.0.0.1:1", Identity: "alice", Transport: "rdma", Direction: transport.Get, Device: "rxe0", Age: time.Second, Export: "data", Path: "a/b"}},
	})
	fuzz(f, valid, func() *pb.WatchResponse { return &pb.WatchResponse{} }, func(t *testing.T, m *pb.WatchResponse) {
		t.Helper()
		s, err := wire.ToSnapshot(m)
		if err != nil {
			refused(t, err)
			return
		}
		for _, l := range s.Sessions {
			if !utf8.ValidString(l.ID+l.Peer+l.Identity+l.Device+l.Export+l.Path) || l.Age < 0 || l.Transport != "rdma" && l.Transport != "tcp" && l.Transport != "?" {
				t.Errorf("accepted %+v", l)
			}
		}
	})
}

// However many sessions there are and whatever they are called, a look fits into a message.
func TestSnapshotFits(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("\xff", 5000)
	s := wire.Snapshot{Version: long, Open: 5000}
	for range s.Open {
		l := wire.Live{ID: long, Peer: long, Identity: long, Transport: "rdma", Direction: transport.Put, Device: long, Age: 1 << 60, Export: long, Path: long}
		l.Stats = transport.Stats{Bytes: math.MaxUint64, Chunks: math.MaxUint64, WhyCopied: long, Wire: math.MaxInt64}
		s.Sessions = append(s.Sessions, l)
	}
	m := wire.FromSnapshot(s)
	if n := proto.Size(m); n > wire.MaxMessage {
		t.Errorf("it has %d bytes", n)
	}
	if _, err := wire.ToSnapshot(m); err != nil {
		t.Error(err)
	}
}

func FuzzExamine(f *testing.F) {
	fuzz(f, wire.FromExamine(&wire.Target{Export: "data", Path: "a/b"}), func() *pb.ExamineRequest { return &pb.ExamineRequest{} }, func(t *testing.T, m *pb.ExamineRequest) {
		t.Helper()
		at, err := wire.ToExamine(m)
		if err != nil {
			refused(t, err)
			return
		}
		if at != nil && (len(at.Path) > wire.MaxPath || at.Export == "" && !strings.HasPrefix(at.Path, "/")) {
			t.Errorf("accepted %+v", at)
		}
	})
}

func FuzzExamined(f *testing.F) {
	valid := wire.FromExamined(wire.Examined{
		Version: "v1", Now: time.Unix(1, 2), Exports: []wire.Reachable{{Name: "data", Writable: true}},
		Volume: &storage.Volume{Kind: "ext4", Reserves: true, Known: true, Free: 5, Wrote: 6, Took: 7, Buffered: "no"},
		Checks: []wire.Check{{ID: "ports", Status: wire.CheckFail, Observed: "DOWN", Expected: "up", Fix: "plug", Code: fault.NoDevice}},
	})
	fuzz(f, valid, func() *pb.ExamineResponse { return &pb.ExamineResponse{} }, func(t *testing.T, m *pb.ExamineResponse) {
		t.Helper()
		e, err := wire.ToExamined(m)
		if err != nil {
			refused(t, err)
			return
		}
		if v := e.Volume; v != nil && (v.Wrote < 0 || v.Took < 0 || v.Rate() < 0 || !utf8.ValidString(v.Kind+v.Untried+v.Buffered)) {
			t.Errorf("accepted %+v", v)
		}
		for _, c := range e.Checks {
			if c.ID == "" || c.Status < wire.CheckOK || c.Status > wire.CheckSkip || !c.Code.Known() || (c.Code != fault.OK) != (c.Status == wire.CheckFail) ||
				!utf8.ValidString(c.ID+c.Observed+c.Expected+c.Fix) || len(e.Checks) > 64 {
				t.Errorf("accepted %+v", c)
			}
		}
	})
}

// What a daemon says of itself arrives as it was, and fits into a message.
func TestExamined(t *testing.T) {
	t.Parallel()
	e := wire.Examined{
		Version: "v1", Now: time.Unix(1, 2), Exports: []wire.Reachable{{Name: "data", Writable: true}, {Name: "ro"}},
		Volume: &storage.Volume{Kind: "ext4", ReadOnly: true, Memory: true, Reserves: true, Known: true, Untried: "full", Buffered: "no", Wrote: 6, Took: 7},
		Checks: []wire.Check{
			{ID: "ports", Status: wire.CheckFail, Observed: "DOWN", Expected: "up", Fix: "plug", Code: fault.NoDevice},
			{ID: "device-node", Status: wire.CheckOK, Observed: "opens"},
		},
	}
	got, err := wire.ToExamined(wire.FromExamined(e))
	if err != nil || !reflect.DeepEqual(got, e) {
		t.Errorf("%+v, %v", got, err)
	}
	long := strings.Repeat("\xff", 5000)
	e.Volume.Kind, e.Volume.Untried, e.Volume.Buffered, e.Version = long, long, long, long
	for range 5000 {
		e.Exports = append(e.Exports, wire.Reachable{Name: long})
		e.Checks = append(e.Checks, wire.Check{ID: "ports", Status: wire.CheckWarn, Observed: long, Expected: long, Fix: long})
	}
	m := wire.FromExamined(e)
	if n := proto.Size(m); n > wire.MaxMessage {
		t.Errorf("it has %d bytes", n)
	}
	if _, err := wire.ToExamined(m); err != nil {
		t.Error(err)
	}
}

// A check that has no name, or has not ended in any way that there is, is none.
func TestCheckRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []*pb.Check{
		{Id: "", Status: pb.CheckStatus_CHECK_STATUS_OK},
		{Id: "Ports", Status: pb.CheckStatus_CHECK_STATUS_OK},
		{Id: "a\nb", Status: pb.CheckStatus_CHECK_STATUS_OK},
		{Id: "ports"},
		{Id: "ports", Status: 5},
		{Id: "ports", Status: -1},
		nil,
	} {
		_, err := wire.ToExamined(&pb.ExamineResponse{Checks: []*pb.Check{c}})
		if err == nil {
			t.Errorf("accepted %v", c)
			continue
		}
		refused(t, err)
	}
	m := &pb.ExamineResponse{Checks: []*pb.Check{{Id: "ports", Status: pb.CheckStatus_CHECK_STATUS_FAIL, Code: 9999}}}
	if e, err := wire.ToExamined(m); err != nil || e.Checks[0].Code != fault.Internal {
		t.Errorf("a code that is not known: %+v, %v", e, err)
	}
}

func FuzzBatch(f *testing.F) {
	for _, b := range []transfer.Batch{everything(), plainBatch()} {
		if raw, err := proto.Marshal(wire.FromBatch(b)); err == nil {
			f.Add(raw)
		}
	}
	fuzz(f, validBatch(), func() *pb.Batch { return &pb.Batch{} }, func(t *testing.T, m *pb.Batch) {
		t.Helper()
		b, err := wire.ToBatch(m, "host")
		if err != nil {
			refused(t, err)
			return
		}
		for _, e := range b.Entries {
			checkEntry(t, e)
		}
		// What was accepted can be sent on, is accepted again, and means the same.
		raw, err := proto.Marshal(wire.FromBatch(b))
		if err != nil {
			t.Fatalf("accepted what cannot be sent: %v", err)
		}
		again := &pb.Batch{}
		if err := proto.Unmarshal(raw, again); err != nil {
			t.Fatal(err)
		}
		got, err := wire.ToBatch(again, "host")
		if err != nil {
			t.Fatal(err)
		}
		same(t, got, b)
	})
}

func checkEntry(t *testing.T, e tree.Entry) {
	t.Helper()
	ok := e.ID > 0 && e.Parent >= 0 && e.Parent < e.ID && e.First >= 0 && e.First < e.ID && e.Kind.Known() &&
		e.Name != "." && e.Name != ".." && !strings.ContainsAny(e.Name, "/\x00") && len(e.Name) <= wire.MaxName &&
		(e.Name != "" || e.Parent == 0 && e.Kind == tree.Dir) &&
		e.Meta.Size >= tree.Streamed && e.Meta.Size <= wire.MaxSize && e.Meta.Allocated >= 0
	end := int64(0)
	for _, r := range e.Data {
		ok = ok && r.Off >= end && r.Len > 0 && r.End() > r.Off && r.End() <= e.Meta.Size
		end = r.End()
	}
	if !ok {
		t.Errorf("accepted %+v", e)
	}
}

func FuzzCopy(f *testing.F) {
	if raw, err := proto.Marshal(validGet()); err == nil {
		f.Add(raw)
	}
	fuzz(f, validPut(), func() *pb.Copy { return &pb.Copy{} }, func(t *testing.T, m *pb.Copy) {
		t.Helper()
		for _, d := range []transport.Direction{transport.Put, transport.Get} {
			c, err := wire.ToCopy(m, d)
			if err != nil {
				refused(t, err)
				continue
			}
			for _, target := range c.Targets {
				if len(target.Path) > wire.MaxPath || len(target.Export) > wire.MaxName ||
					strings.ContainsRune(target.Path+target.Export, 0) || (target.Export == "" && !strings.HasPrefix(target.Path, "/")) {
					t.Errorf("accepted %+v", target)
				}
			}
			said, err := wire.FromCopy(c, d)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := wire.ToCopy(said, d); err != nil || !reflect.DeepEqual(got, c) {
				t.Errorf("got %+v, want %+v: %v", got, c, err)
			}
		}
	})
}

func FuzzFault(f *testing.F) {
	fuzz(f, wire.FromFault(fullFault(fault.Busy)), func() *pb.Fault { return &pb.Fault{} }, func(t *testing.T, m *pb.Fault) {
		t.Helper()
		got := wire.ToFault(m, "host")
		if !got.Code.Known() || got.Code == fault.OK || len(got.What) > wire.MaxText || len(got.Fix) > wire.MaxText ||
			strings.ContainsAny(got.Error()+got.Fix, "\n\x1b") {
			t.Errorf("accepted %+v", got)
		}
	})
}
