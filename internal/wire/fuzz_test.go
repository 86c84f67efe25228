package wire_test

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
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

func FuzzOffers(f *testing.F) {
	fuzz(f, validOffers(), func() *pb.Offers { return &pb.Offers{} }, func(t *testing.T, m *pb.Offers) {
		t.Helper()
		offers, err := wire.ToOffers(m)
		if err != nil {
			refused(t, err)
			return
		}
		if len(offers) > wire.MaxOffers {
			t.Errorf("accepted %d offers", len(offers))
		}
		for i, o := range offers {
			if o.Chunk < 0 || o.Ticket.Len < 1 || o.Ticket.Len > wire.MaxChunk || o.Ticket.Imm() != m.GetOffers()[i].GetTicket().GetImmediate() {
				t.Errorf("accepted %+v", o)
			}
		}
	})
}

func FuzzSettled(f *testing.F) {
	fuzz(f, validSettled(), func() *pb.Settled { return &pb.Settled{} }, func(t *testing.T, m *pb.Settled) {
		t.Helper()
		settled, err := wire.ToSettlements(m)
		if err != nil {
			refused(t, err)
			return
		}
		if len(settled) > wire.MaxOffers {
			t.Errorf("accepted %d settlements", len(settled))
		}
		for _, s := range settled {
			if s.Chunk < 0 {
				t.Errorf("accepted %+v", s)
			}
		}
	})
}

func FuzzPut(f *testing.F) {
	fuzz(f, validPut(), func() *pb.Put { return &pb.Put{} }, func(t *testing.T, m *pb.Put) {
		t.Helper()
		target, meta, err := wire.ToPut(m)
		if err != nil {
			refused(t, err)
			return
		}
		checkTarget(t, target)
		if target.BaseName == "" || target.BaseName == "." || target.BaseName == ".." || strings.ContainsAny(target.BaseName, "/\x00") ||
			meta.Size < 0 || meta.Size > math.MaxInt64-wire.MaxChunk || meta.Allocated < 0 || meta.Mode != meta.Mode.Perm() {
			t.Errorf("accepted %+v %+v", target, meta)
		}
	})
}

func FuzzGet(f *testing.F) {
	fuzz(f, &pb.Get{Path: []byte("/a")}, func() *pb.Get { return &pb.Get{} }, func(t *testing.T, m *pb.Get) {
		t.Helper()
		target, err := wire.ToGet(m)
		if err != nil {
			refused(t, err)
			return
		}
		checkTarget(t, target)
	})
}

func checkTarget(t *testing.T, target wire.Target) {
	t.Helper()
	if len(target.Path) > wire.MaxPath || len(target.Export) > wire.MaxName || len(target.BaseName) > wire.MaxName ||
		strings.ContainsRune(target.Path+target.Export, 0) || (target.Export == "" && !strings.HasPrefix(target.Path, "/")) {
		t.Errorf("accepted %+v", target)
	}
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
