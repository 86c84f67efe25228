package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transfer"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// words is a peer that says what is written down for it, a second apart, and then
// nothing more; a nil says that all is done.
type words struct {
	batches []*transfer.Batch
	offers  chan transfer.Offer // what it hears
}

func (w *words) Send(_ context.Context, b transfer.Batch) error {
	for _, o := range b.Offers {
		w.offers <- o
	}
	return nil
}

func (w *words) Recv(ctx context.Context) (transfer.Batch, error) {
	time.Sleep(time.Second)
	if len(w.batches) == 0 {
		<-ctx.Done()
		return transfer.Batch{}, ctx.Err()
	}
	b := w.batches[0]
	w.batches = w.batches[1:]
	if b == nil {
		return transfer.Batch{}, io.EOF
	}
	return *b, nil
}

// wire is a lender and a driver that move nothing, and find everything right.
type wire struct {
	transport.Lender
	transport.Driver
}

func (wire) LendSource(_ context.Context, src io.ReaderAt, e transport.Extent) (transport.Loan, error) {
	_, err := src.ReadAt(make([]byte, e.Len), e.Off)
	return wireLoan(e), err
}

func (wire) LendSink(_ context.Context, _ io.WriterAt, e transport.Extent) (transport.Loan, error) {
	return wireLoan(e), nil
}

func (wire) Pull(context.Context, transport.Ticket, io.WriterAt, transport.Extent) (transport.Digest, error) {
	return good, nil
}

func (wire) Push(context.Context, io.ReaderAt, transport.Extent, transport.Ticket) (transport.Digest, error) {
	return good, nil
}

func (wire) Stats() transport.Stats { return transport.Stats{} }
func (wire) Close() error           { return nil }

type wireLoan transport.Extent

func (l wireLoan) Ticket() transport.Ticket                       { return transport.Ticket{Len: uint32(l.Len)} }
func (wireLoan) Lost()                                            {}
func (wireLoan) Settle(context.Context) (transport.Digest, error) { return good, nil }
func (wireLoan) Return()                                          {}

var good = transport.Digest{1}

// oneFile is a tree of a directory and a file of 250 bytes in it.
func oneFile() *grove {
	return &grove{
		slow: pace{1, time.Millisecond}, paths: map[int64]string{1: "d", 2: "d/f"}, data: map[int64][]byte{2: make([]byte, 250)},
		entries: []tree.Entry{
			{ID: 1, Name: "d", Kind: tree.Dir},
			{ID: 2, Parent: 1, Name: "f", Kind: tree.File, Meta: tree.Meta{Size: 250, ModTime: time.Unix(1, 0)}},
		},
	}
}

// A lender's words about oneFile.
func dir() *transfer.Batch  { return &transfer.Batch{Entries: oneFile().entries[:1]} }
func file() *transfer.Batch { return &transfer.Batch{Entries: oneFile().entries[1:], Last: true} }
func offer(id int64, ticket int, segments ...transfer.Segment) *transfer.Batch {
	return &transfer.Batch{Offers: []transfer.Offer{{ID: id, Segments: segments, Ticket: transport.Ticket{Len: uint32(ticket)}, Digest: good}}}
}

func seg(id, off, n int64) transfer.Segment {
	return transfer.Segment{ID: id, Range: tree.Range{Off: off, Len: n}}
}

func want() *transfer.Batch {
	return &transfer.Batch{Verdicts: []tree.Verdict{
		{ID: 1, Answer: tree.Done},
		{ID: 2, Answer: tree.Want, Ranges: []tree.Range{{Off: 0, Len: 250}}},
	}}
}

func settled(s transfer.Settlement) *transfer.Batch {
	return &transfer.Batch{Settled: []transfer.Settlement{s}}
}

func many(n int) []tree.Entry {
	es := make([]tree.Entry, n)
	for i := range es {
		es[i] = tree.Entry{ID: int64(i + 1), Name: fmt.Sprint(i), Kind: tree.File, Meta: tree.Meta{Size: 1, ModTime: time.Unix(1, 0)}}
	}
	return es
}

// TestHostile: whatever a peer says that has no place, it is the end of the
// transfer, and a fault that says so.
func TestHostile(t *testing.T) {
	type batches = []*transfer.Batch
	done := func(id int64) *transfer.Batch { return &transfer.Batch{Outcomes: []transfer.Outcome{{ID: id}}} }
	for role, cases := range map[string]map[string]batches{
		"client to a put": {
			"entries out of order":   {file()},
			"an entry twice":         {dir(), dir()},
			"an entry after all":     {dir(), file(), {Entries: []tree.Entry{{ID: 3, Name: "x", Kind: tree.Dir}}}},
			"too many entries":       {{Entries: many(1<<15 + 1)}},
			"verdicts":               {dir(), want()},
			"settlements":            {settled(transfer.Settlement{})},
			"done":                   {{Done: true}},
			"an end at once":         {nil},
			"an end too early":       {dir(), file(), nil},
			"no segments":            {dir(), file(), offer(1, 0)},
			"an empty segment":       {dir(), file(), offer(1, 0, seg(2, 0, 0))},
			"a segment before it":    {dir(), file(), offer(1, 100, seg(2, -1, 100))},
			"too long a segment":     {dir(), file(), offer(1, 101, seg(2, 0, 101))},
			"too long a bundle":      {dir(), file(), offer(1, 150, seg(2, 0, 50), seg(2, 50, 100))},
			"another loan":           {dir(), file(), offer(1, 99, seg(2, 0, 100))},
			"nothing lent":           {dir(), file(), offer(1, 0, seg(2, 0, 100))},
			"too many segments":      {dir(), file(), offer(1, 0, make([]transfer.Segment, transfer.MaxSegments+1)...)},
			"an offer twice at once": {dir(), file(), {Offers: append(offer(1, 100, seg(2, 0, 100)).Offers, offer(1, 100, seg(2, 0, 100)).Offers...)}},
		},
		"client to a get": {
			"entries":                  {dir()},
			"a verdict twice":          {want(), want()},
			"a verdict on nothing":     {{Verdicts: []tree.Verdict{{ID: 3, Answer: tree.Done}}}},
			"bytes of a directory":     {{Verdicts: []tree.Verdict{{ID: 1, Answer: tree.Want}}}},
			"an outcome of nothing":    {done(3)},
			"an outcome not wanted":    {done(2)},
			"an outcome before a seal": {want(), done(2)},
			"bytes beyond the end":     {want(), offer(1, 100, seg(2, 200, 100))},
			"an end too early":         {want(), nil},
			"nothing lent":             {want(), offer(1, 0, seg(2, 0, 100))},
		},
		"daemon to a put": {
			"entries":                 {dir()},
			"offers":                  {offer(1, 1, seg(1, 0, 1))},
			"a verdict on nothing":    {{Verdicts: []tree.Verdict{{ID: 9, Answer: tree.Done}}}},
			"a settlement of nothing": {want(), settled(transfer.Settlement{ID: 99, Digest: good})},
			"other bytes":             {want(), settled(transfer.Settlement{ID: 1, Digest: transport.Digest{2}})},
			"never content":           {want(), settled(transfer.Settlement{ID: 1, Again: true}), settled(transfer.Settlement{ID: 1, Again: true}), settled(transfer.Settlement{ID: 1, Again: true})},
			"keeping unasked":         {want(), settled(transfer.Settlement{ID: 1, Digest: good, Kept: []int{0}})},
			"in place but unwanted":   {want(), settled(transfer.Settlement{ID: 1, Unwanted: true}), settled(transfer.Settlement{ID: 2, Digest: good}), settled(transfer.Settlement{ID: 3, Digest: good}), done(2)},
			"keeping what is not":     {want(), settled(transfer.Settlement{ID: 1, Digest: good, Kept: []int{7}})},
			"an outcome too early":    {{Verdicts: want().Verdicts, Outcomes: done(2).Outcomes}},
			"done too early":          {want(), {Done: true}},
			"an end":                  {nil},
		},
		"daemon to a get": {
			"entries out of order":    {file()},
			"verdicts":                {want()},
			"outcomes":                {done(1)},
			"done":                    {{Done: true}},
			"an end":                  {dir(), file(), nil},
			"a settlement of nothing": {dir(), file(), settled(transfer.Settlement{ID: 99})},
			"asking again":            {dir(), file(), settled(transfer.Settlement{ID: 1, Again: true})},
			"unwanted":                {dir(), file(), settled(transfer.Settlement{ID: 1, Unwanted: true})},
			"other bytes":             {dir(), file(), settled(transfer.Settlement{ID: 1}), settled(transfer.Settlement{ID: 4}), settled(transfer.Settlement{ID: 5})},
			"keeping unasked":         {dir(), file(), settled(transfer.Settlement{ID: 1, Kept: []int{0}})},
		},
	} {
		for name, said := range cases {
			t.Run(strings.ReplaceAll(role+"/"+name, " ", "_"), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { hostile(t, role, said) })
			})
		}
	}
}

// hostile runs one end against a peer, who gets a minute.
func hostile(t *testing.T, role string, said []*transfer.Batch) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	link := &words{said, make(chan transfer.Offer, 100)}
	plot := newPlot(newDisk(), pace{1, time.Millisecond}, nil, false)
	o := transfer.Options{Chunk: 100, Window: 4}
	var err error
	switch role {
	case "client to a put":
		_, err = transfer.Pull(ctx, wire{}, link, plot, o)
	case "client to a get":
		_, err = transfer.Push(ctx, wire{}, link, oneFile(), o)
	case "daemon to a put":
		_, err = transfer.Send(ctx, wire{}, link, oneFile(), o)
	case "daemon to a get":
		_, err = transfer.Receive(ctx, wire{}, link, plot, o)
	}
	if c := fault.CodeOf(err); c != fault.Protocol && c != fault.Integrity {
		t.Errorf("%v, want a fault of the protocol", err)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		t.Error("it was not noticed")
	}
	if len(plot.disk.files) > 0 {
		t.Error("a file is in place")
	}
}
