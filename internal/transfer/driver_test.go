package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transfer"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// threeChunks is the plan of the protocol tests.
var threeChunks = transfer.Plan{Size: 250, Chunk: 100}

var good, bad = transport.Digest{1}, transport.Digest{2}

// offer is a well-formed offer of a chunk of threeChunks.
func offer(chunk int64) transfer.Offer {
	n := 100
	if chunk == 2 {
		n = 50
	}
	return transfer.Offer{Chunk: chunk, Digest: good, Ticket: transport.Ticket{Len: uint32(n)}}
}

// longer is offer with a loan of another length.
func longer(chunk int64, by int) transfer.Offer {
	o := offer(chunk)
	o.Ticket.Len += uint32(by)
	return o
}

// puppet is a driver whose calls are the test's.
type puppet struct {
	transport.Driver
	drive func(ctx context.Context, ext transport.Extent) (transport.Digest, error)
}

// errOutside is a driver asked for what isn't in the file: the engine has failed.
var errOutside = errors.New("extent outside of the file")

func (p puppet) Pull(ctx context.Context, _ transport.Ticket, _ io.WriterAt, ext transport.Extent) (transport.Digest, error) {
	if ext.Off < 0 || ext.Len < 1 || ext.End() > threeChunks.Size {
		return transport.Digest{}, errOutside
	}
	return p.drive(ctx, ext)
}

func (p puppet) Push(ctx context.Context, _ io.ReaderAt, ext transport.Extent, _ transport.Ticket) (transport.Digest, error) {
	return p.Pull(ctx, transport.Ticket{}, nil, ext)
}

// says is a puppet that returns one digest.
func says(d transport.Digest) puppet {
	return puppet{drive: func(context.Context, transport.Extent) (transport.Digest, error) { return d, nil }}
}

// hangs is a puppet that never comes back by itself.
func hangs() puppet {
	return puppet{drive: func(ctx context.Context, _ transport.Extent) (transport.Digest, error) {
		<-ctx.Done()
		return transport.Digest{}, ctx.Err()
	}}
}

// script is a link that makes the given offers and then says Finish. It waits
// for each settlement before the next offer if it is told to.
type script struct {
	offers []transfer.Offer
	wait   bool

	mu      sync.Mutex
	next    int
	settled chan transfer.Settlement
	all     []transfer.Settlement
}

func (s *script) Offer(ctx context.Context) (transfer.Offer, error) {
	if s.wait && s.next > 0 && s.next <= len(s.offers) {
		select {
		case <-s.settled:
		case <-ctx.Done():
			return transfer.Offer{}, ctx.Err()
		}
	}
	s.next++
	if s.next > len(s.offers) {
		return transfer.Offer{}, io.EOF
	}
	return s.offers[s.next-1], nil
}

func (s *script) Settle(_ context.Context, x transfer.Settlement) error {
	s.mu.Lock()
	s.all = append(s.all, x)
	s.mu.Unlock()
	s.settled <- x
	return nil
}

func pull(ctx context.Context, d transport.Driver, l transfer.DriverLink, o transfer.Options) (transfer.Report, error) {
	return transfer.Pull(ctx, d, l, nil, threeChunks, o)
}

func push(ctx context.Context, d transport.Driver, l transfer.DriverLink, o transfer.Options) (transfer.Report, error) {
	return transfer.Push(ctx, d, l, nil, threeChunks, o)
}

// A driver believes nothing that a lender says.
func TestDriverProtocol(t *testing.T) {
	type end = func(context.Context, transport.Driver, transfer.DriverLink, transfer.Options) (transfer.Report, error)
	whole := transfer.Report{Bytes: 250, Chunks: 3}
	for _, c := range []struct {
		name   string
		end    end
		driver puppet
		offers []transfer.Offer
		wait   bool
		code   fault.Code
		report transfer.Report
	}{
		{"put", pull, says(good), []transfer.Offer{offer(0), offer(1), offer(2)}, false, fault.OK, whole},
		{"get", push, says(good), []transfer.Offer{offer(0), offer(1), offer(2)}, false, fault.OK, whole},
		{"put, any order", pull, says(good), []transfer.Offer{offer(2), offer(0), offer(1)}, true, fault.OK, whole},
		{"chunk below zero", pull, says(good), []transfer.Offer{offer(-1)}, true, fault.Protocol, transfer.Report{}},
		{"get, chunk below zero", push, says(good), []transfer.Offer{offer(-1)}, true, fault.Protocol, transfer.Report{}},
		{"chunk behind the end", pull, says(good), []transfer.Offer{offer(3)}, true, fault.Protocol, transfer.Report{}},
		{"loan too short", pull, says(good), []transfer.Offer{longer(1, -1)}, true, fault.Protocol, transfer.Report{}},
		{"loan too long", push, says(good), []transfer.Offer{longer(1, 1)}, true, fault.Protocol, transfer.Report{}},
		{"last loan as long as the others", pull, says(good), []transfer.Offer{longer(2, 50)}, true, fault.Protocol, transfer.Report{}},
		{"put, settled again", pull, says(good), []transfer.Offer{offer(0), offer(0)}, true, fault.Protocol, transfer.Report{Bytes: 100, Chunks: 1}},
		{"put, twice at once", pull, hangs(), []transfer.Offer{offer(0), offer(0)}, false, fault.Protocol, transfer.Report{}},
		{"get, twice at once", push, hangs(), []transfer.Offer{offer(0), offer(0)}, false, fault.Protocol, transfer.Report{}},
		{"put, nothing offered", pull, says(good), nil, true, fault.Protocol, transfer.Report{}},
		{"put, a hole", pull, says(good), []transfer.Offer{offer(0), offer(2)}, true, fault.Protocol, transfer.Report{Bytes: 150, Chunks: 2}},
		{"get, a hole", push, says(good), []transfer.Offer{offer(1), offer(2)}, true, fault.Protocol, transfer.Report{Bytes: 150, Chunks: 2}},
		{"put, damaged thrice", pull, says(bad), []transfer.Offer{offer(0), offer(0), offer(0), offer(0)}, true, fault.Integrity, transfer.Report{Retried: 2}},
		{"put, damaged and never right", pull, says(bad), []transfer.Offer{offer(0)}, true, fault.Protocol, transfer.Report{}},
		{"get, thrice", push, says(good), []transfer.Offer{offer(0), offer(0), offer(0), offer(1), offer(2)}, true, fault.OK, transfer.Report{Bytes: 250, Chunks: 3, Retried: 2}},
		{"get, once too often", push, says(good), []transfer.Offer{offer(0), offer(0), offer(0), offer(0)}, true, fault.Protocol, transfer.Report{Bytes: 100, Chunks: 1, Retried: 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			link := &script{offers: c.offers, wait: c.wait, settled: make(chan transfer.Settlement, len(c.offers))}
			report, err := c.end(t.Context(), c.driver, link, transfer.Options{})
			if fault.CodeOf(err) != c.code {
				t.Errorf("error %v, want a fault of code %s", err, c.code)
			}
			if report != c.report {
				t.Errorf("report %+v, want %+v", report, c.report)
			}
		})
	}
}

// A chunk whose digest differs is settled with Again and the digest that came,
// and counts once it is right.
func TestPullAgain(t *testing.T) {
	calls := 0
	d := puppet{drive: func(context.Context, transport.Extent) (transport.Digest, error) {
		if calls++; calls == 1 {
			return bad, nil
		}
		return good, nil
	}}
	link := &script{offers: []transfer.Offer{offer(0), offer(0), offer(1), offer(2)}, wait: true, settled: make(chan transfer.Settlement, 4)}
	report, err := pull(t.Context(), d, link, transfer.Options{})
	if want := (transfer.Report{Bytes: 250, Chunks: 3, Retried: 1}); err != nil || report != want {
		t.Fatalf("%+v, %v; want %+v", report, err, want)
	}
	want := []transfer.Settlement{{Chunk: 0, Digest: bad, Again: true}, {Chunk: 0, Digest: good}, {Chunk: 1, Digest: good}, {Chunk: 2, Digest: good}}
	if fmt.Sprint(link.all) != fmt.Sprint(want) {
		t.Errorf("settled %v, want %v", link.all, want)
	}
}

// hasty is a lender that offers a chunk for the second time while it is still
// being told that it may: the first Settle waits until that offer is worked on.
type hasty struct {
	offers chan transfer.Offer
	second chan struct{} // closed when the second offer is worked on
}

func (h hasty) Offer(ctx context.Context) (transfer.Offer, error) {
	select {
	case o, ok := <-h.offers:
		if !ok {
			return o, io.EOF
		}
		return o, nil
	case <-ctx.Done():
		return transfer.Offer{}, ctx.Err()
	}
}

func (h hasty) Settle(ctx context.Context, _ transfer.Settlement) error {
	select {
	case <-h.second:
		close(h.offers)
		return nil
	default:
	}
	h.offers <- offer(0)
	select {
	case <-h.second:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// A driver notes that a chunk may be offered again before it says so.
func TestHastyLender(t *testing.T) {
	plan := transfer.Plan{Size: 100, Chunk: 100}
	for name, end := range map[string]func(puppet, hasty) error{
		"put": func(d puppet, h hasty) error {
			_, err := transfer.Pull(t.Context(), d, h, nil, plan, transfer.Options{})
			return err
		},
		"get": func(d puppet, h hasty) error {
			_, err := transfer.Push(t.Context(), d, h, nil, plan, transfer.Options{})
			return err
		},
	} {
		h := hasty{offers: make(chan transfer.Offer, 1), second: make(chan struct{})}
		h.offers <- offer(0)
		var calls atomic.Int64
		d := puppet{drive: func(context.Context, transport.Extent) (transport.Digest, error) {
			if calls.Add(1) == 1 {
				return bad, nil // which only a put sees
			}
			close(h.second)
			return good, nil
		}}
		if err := end(d, h); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// However much is offered at once, a driver works on no more than its window,
// and leaves the rest with the lender.
func TestDriverWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		m := &meter{Driver: hangs()}
		link := &script{settled: make(chan transfer.Settlement, 1)}
		plan := transfer.Plan{Size: 100, Chunk: 1}
		for i := range plan.Chunks() {
			link.offers = append(link.offers, transfer.Offer{Chunk: i, Ticket: transport.Ticket{Len: 1}})
		}
		done := make(chan error, 1)
		go func() {
			_, err := transfer.Pull(ctx, m, link, nil, plan, transfer.Options{Window: 4})
			done <- err
		}()
		synctest.Wait()
		if m.now.Load() != 4 || link.next > 5 {
			t.Errorf("%d chunks at once and %d offers read, want 4 and at most 5", m.now.Load(), link.next)
		}
		cancel()
		if err := <-done; fault.CodeOf(err) != fault.Interrupted {
			t.Errorf("cancelled: %v", err)
		}
	})
}

// FuzzOffers lets a hostile lender offer what it likes. Pull may refuse, but
// must not reach outside of the file, nor take it for whole when it isn't.
func FuzzOffers(f *testing.F) {
	f.Add([]byte{0, 100, 1, 100, 2, 50})
	f.Add([]byte{0, 100, 0, 100, 0, 100})
	f.Add([]byte{0, 100, 1, 100, 255, 100, 2, 50})
	f.Fuzz(func(t *testing.T, in []byte) {
		link := &script{settled: make(chan transfer.Settlement, len(in))}
		for ; len(in) > 1; in = in[2:] {
			link.offers = append(link.offers, transfer.Offer{
				Chunk: int64(int8(in[0])), Digest: good, Ticket: transport.Ticket{Len: uint32(in[1])},
			})
		}
		var mu sync.Mutex
		var written [250]bool
		d := puppet{drive: func(_ context.Context, ext transport.Extent) (transport.Digest, error) {
			mu.Lock()
			defer mu.Unlock()
			for i := ext.Off; i < ext.End(); i++ {
				written[i] = true
			}
			return good, nil
		}}
		report, err := pull(t.Context(), d, link, transfer.Options{})
		if fault.CodeOf(err) == fault.Protocol {
			return
		}
		if err != nil {
			t.Fatalf("refused with another code: %v", err)
		}
		for i, ok := range written {
			if !ok {
				t.Fatalf("report %+v, but byte %d was not written", report, i)
			}
		}
	})
}
