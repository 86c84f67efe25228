package sealed

import (
	"context"
	"io"
	"time"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// lender is the passive end.
type lender struct {
	transport.Lender
	box *box
}

// LendSource reads, seals and lends an extent.
func (l *lender) LendSource(ctx context.Context, src io.ReaderAt, ext transport.Extent) (transport.Loan, error) {
	from := &sealing{box: l.box, src: src, ext: ext}
	inner, err := l.Lender.LendSource(ctx, from, around(ext))
	if err != nil {
		return nil, err
	}
	return &loan{inner, &from.digest}, nil
}

// LendSink lends room for a sealed extent, which Settle opens and writes.
func (l *lender) LendSink(ctx context.Context, dst io.WriterAt, ext transport.Extent) (transport.Loan, error) {
	to := &opening{box: l.box, dst: dst, ext: ext}
	inner, err := l.Lender.LendSink(ctx, to, around(ext))
	if err != nil {
		return nil, err
	}
	return &loan{inner, &to.digest}, nil
}

// Stats returns what the connection did so far.
func (l *lender) Stats() transport.Stats {
	return l.box.stats(l.Lender.Stats(), func(s *transport.Stats) *time.Duration {
		if l.box.setup.Direction == transport.Put {
			return &s.Source
		}
		return &s.Sink
	})
}

// loan is a sealed extent that is lent.
type loan struct {
	transport.Loan
	digest *transport.Digest // there once it is settled
}

// Ticket names the loan by what it holds.
func (o *loan) Ticket() transport.Ticket {
	t := o.Loan.Ticket()
	t.Len -= overhead
	return t
}

// Settle waits until the bytes are where they belong.
func (o *loan) Settle(ctx context.Context) (transport.Digest, error) {
	if _, err := o.Loan.Settle(ctx); err != nil {
		return transport.Digest{}, err
	}
	return *o.digest, nil
}

// driver is the active end.
type driver struct {
	transport.Driver
	box *box
}

// Pull pulls and opens a lent source.
func (d *driver) Pull(ctx context.Context, t transport.Ticket, dst io.WriterAt, ext transport.Extent) (transport.Digest, error) {
	to := &opening{box: d.box, dst: dst, ext: ext}
	t.Len += overhead
	if _, err := d.Driver.Pull(ctx, t, to, around(ext)); err != nil {
		return transport.Digest{}, err
	}
	return to.digest, nil
}

// Push seals an extent and pushes it.
func (d *driver) Push(ctx context.Context, src io.ReaderAt, ext transport.Extent, t transport.Ticket) (transport.Digest, error) {
	from := &sealing{box: d.box, src: src, ext: ext}
	t.Len += overhead
	if _, err := d.Driver.Push(ctx, from, around(ext), t); err != nil {
		return transport.Digest{}, err
	}
	return from.digest, nil
}

// Stats returns what the connection did so far.
func (d *driver) Stats() transport.Stats {
	return d.box.stats(d.Driver.Stats(), func(s *transport.Stats) *time.Duration {
		if d.box.setup.Direction == transport.Put {
			return &s.Sink
		}
		return &s.Source
	})
}
