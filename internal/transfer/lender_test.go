package transfer_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transfer"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// dummy is a lender whose loans have the digest good.
type dummy struct {
	transport.Lender
	settle error // of every loan

	mu  sync.Mutex
	log []string // what was done
}

func (d *dummy) note(s string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.log = append(d.log, s)
}

func (d *dummy) LendSource(context.Context, io.ReaderAt, transport.Extent) (transport.Loan, error) {
	d.note("lend")
	return dummyLoan{d}, nil
}

func (d *dummy) LendSink(context.Context, io.WriterAt, transport.Extent) (transport.Loan, error) {
	d.note("lend")
	return dummyLoan{d}, nil
}

type dummyLoan struct{ *dummy }

func (dummyLoan) Ticket() transport.Ticket { return transport.Ticket{Len: 10} }
func (l dummyLoan) Return()                { l.note("return") }
func (l dummyLoan) Settle(context.Context) (transport.Digest, error) {
	return good, l.settle
}

// answers is a link that answers offers with the given settlements, one after
// the other, and then with an error.
type answers struct {
	lender *dummy
	said   []transfer.Settlement
	then   error
}

func (a *answers) Offer(context.Context, transfer.Offer) error {
	a.lender.note("offer")
	return nil
}

func (a *answers) Settlement(context.Context) (transfer.Settlement, error) {
	if len(a.said) == 0 {
		return transfer.Settlement{}, a.then
	}
	s := a.said[0]
	a.said = a.said[1:]
	return s, nil
}

// A lender checks what the driver says, returns loans only when the driver is
// done with them, and turns every end into a fault.
func TestLenderProtocol(t *testing.T) {
	full := fault.New(fault.NoSpace, "writing /data/x", errors.New("disk full"), "make room")
	again, right, wrong := transfer.Settlement{Digest: bad, Again: true}, transfer.Settlement{Digest: good}, transfer.Settlement{Digest: bad}
	for _, c := range []struct {
		name    string
		receive bool
		settle  error
		said    []transfer.Settlement
		then    error
		code    fault.Code
		text    string // that the error has to have
		log     string
	}{
		{name: "put", said: []transfer.Settlement{right}, log: "lend offer return"},
		{name: "get", receive: true, said: []transfer.Settlement{right}, log: "lend offer return"},
		{name: "put, again", said: []transfer.Settlement{again, again, right}, log: "lend offer offer offer return"},
		{name: "get, again", receive: true, said: []transfer.Settlement{wrong, wrong, right}, log: "lend offer return lend offer return lend offer return"},
		{name: "put, thrice again", said: []transfer.Settlement{again, again, again}, code: fault.Integrity, text: "chunk 0 ", log: "lend offer offer offer"},
		{name: "get, thrice damaged", receive: true, said: []transfer.Settlement{wrong, wrong, wrong}, code: fault.Integrity, text: good.String(), log: "lend offer return lend offer return lend offer return"},
		{name: "put, content with other bytes", said: []transfer.Settlement{wrong}, code: fault.Integrity, text: bad.String(), log: "lend offer"},
		{name: "get, asked for again", receive: true, said: []transfer.Settlement{again}, code: fault.Protocol, log: "lend offer"},
		{name: "settled what was not offered", said: []transfer.Settlement{{Chunk: 1, Digest: good}}, code: fault.Protocol, log: "lend offer"},
		{name: "driver's fault", then: full, code: fault.NoSpace, text: "disk full", log: "lend offer"},
		{name: "stream ends", then: io.EOF, code: fault.Lost, log: "lend offer"},
		{name: "connection lost", receive: true, settle: transport.ErrLost, said: []transfer.Settlement{right}, code: fault.Lost, log: "lend offer"},
		{name: "connection closed", receive: true, settle: transport.ErrClosed, said: []transfer.Settlement{right}, code: fault.Interrupted, log: "lend offer"},
		{name: "sink fails", receive: true, settle: errors.Join(transport.ErrSink, full), said: []transfer.Settlement{right}, code: fault.NoSpace, log: "lend offer"},
		{name: "sink fails for nobody knows what", receive: true, settle: transport.ErrSink, said: []transfer.Settlement{right}, code: fault.IO, log: "lend offer"},
		{name: "a bug", receive: true, settle: errors.New("oops"), said: []transfer.Settlement{right}, code: fault.Internal, log: "lend offer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := &dummy{settle: c.settle}
			link, plan := &answers{lender: l, said: c.said, then: c.then}, transfer.Plan{Size: 10, Chunk: 10}
			var err error
			if c.receive {
				_, err = transfer.Receive(t.Context(), l, link, nil, plan, transfer.Options{})
			} else {
				_, err = transfer.Send(t.Context(), l, link, nil, plan, transfer.Options{})
			}
			if fault.CodeOf(err) != c.code {
				t.Errorf("error %v, want a fault of code %s", err, c.code)
			}
			if err != nil && !strings.Contains(err.Error(), c.text) {
				t.Errorf("error %q does not say %q", err, c.text)
			}
			if got := strings.Join(l.log, " "); got != c.log {
				t.Errorf("did %q, want %q", got, c.log)
			}
		})
	}
}

// An empty file needs no word and no memory.
func TestEmptyFile(t *testing.T) {
	plan := transfer.Plan{Chunk: 10}
	if r, err := transfer.Send(t.Context(), nil, nil, nil, plan, transfer.Options{}); r != (transfer.Report{}) || err != nil {
		t.Errorf("sent %+v, %v", r, err)
	}
	if r, err := transfer.Receive(t.Context(), nil, nil, nil, plan, transfer.Options{}); r != (transfer.Report{}) || err != nil {
		t.Errorf("received %+v, %v", r, err)
	}
}

// A context that ended says why: a fault given as its cause is the transfer's.
func TestStopped(t *testing.T) {
	slow := fault.New(fault.Timeout, "waiting for data", errors.New("no progress for 30s"), "")
	for cause, want := range map[error]fault.Code{
		context.Canceled:         fault.Interrupted,
		context.DeadlineExceeded: fault.Timeout,
		errors.New("^C"):         fault.Interrupted,
		slow:                     fault.Timeout,
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		link := &script{offers: []transfer.Offer{offer(0)}, settled: make(chan transfer.Settlement, 1)}
		if _, err := pull(ctx, hangs(), link, transfer.Options{}); fault.CodeOf(err) != want {
			t.Errorf("cause %v: %v, want code %s", cause, err, want)
		}
	}
}

// Progress is told of each chunk's length.
func TestProgress(t *testing.T) {
	var told []int64
	o := transfer.Options{Window: 1, Progress: func(n int64) { told = append(told, n) }}
	link := &script{offers: []transfer.Offer{offer(0), offer(1), offer(2)}, wait: true, settled: make(chan transfer.Settlement, 3)}
	if _, err := pull(t.Context(), says(good), link, o); err != nil || !slices.Equal(told, []int64{100, 100, 50}) {
		t.Errorf("told %v, %v", told, err)
	}
}
