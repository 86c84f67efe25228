package memory

import (
	"context"
	"errors"
	"time"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// request is a work request: one extent to or from the lender's memory.
type request struct {
	ticket transport.Ticket
	ext    transport.Extent
	buf    []byte // the driver's
	push   bool
}

// carry runs a work request and waits for its completion, with the faults that
// are its fate.
func (d *driver) carry(ctx context.Context, r request) error {
	fate, err := d.post(r)
	if err != nil {
		return err
	}
	defer d.onWire.Done()
	start := time.Now()
	if err := d.life.sleep(ctx, fate.before); err != nil {
		return err
	}
	step := d.fabric.steps.Add(1)
	if err := d.reach(ctx, step); err != nil {
		return err
	}
	faults := d.fabric.faults
	if err := d.transfer(r, fate, fate.corrupt || step == faults.CorruptAt); err != nil {
		return d.broken(err.Error())
	}
	if fate.late && r.push {
		d.repeatLater(r, fate)
	}
	if err := d.life.sleep(ctx, fate.after); err != nil {
		return err
	}
	if step == faults.FailAt {
		return d.broken("completion in error")
	}
	d.count.add(transport.Stats{Completions: 1, Wire: time.Since(start)})
	return nil
}

// post draws a request's fate and puts it on the wire.
func (d *driver) post(r request) (fate, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.life.err(); err != nil {
		return fate{}, err
	}
	d.onWire.Add(1)
	d.count.add(transport.Stats{WorkReqs: 1})
	d.tries[r.ext.Off]++
	return d.fabric.faults.draw(r.ext.Off, d.tries[r.ext.Off]), nil
}

// reach fails when the peer can't be reached. Only the driver learns of that:
// the lender sees no packets, which is nothing new to it.
func (d *driver) reach(ctx context.Context, step int64) error {
	faults := d.fabric.faults
	cut := faults.CutAt > 0 && step >= faults.CutAt || faults.CutEvery > 0 && step%faults.CutEvery == 0
	if !cut && !over(d.fabric.dead[LenderSide]) && d.lender.life.err() == nil {
		return nil
	}
	if err := d.life.sleep(ctx, faults.Retry); err != nil {
		return err
	}
	d.life.end(lost("retries exceeded"))
	return d.life.err()
}

// transfer moves a request's bytes, changed on the way if so decided.
func (d *driver) transfer(r request, f fate, corrupt bool) error {
	if int(r.ticket.Len) != r.ext.Len {
		return errors.New("ticket and extent differ in length")
	}
	if d.lender.driver.Load() != d.end {
		return errors.New("peer is not connected to this end")
	}
	if !r.push {
		if err := d.lender.slab.read(r.ticket, r.buf); err != nil {
			return err
		}
		if corrupt {
			flip(r.buf, f.flip)
		}
		return nil
	}
	sent := r.buf
	if corrupt {
		sent = append([]byte(nil), r.buf...)
		flip(sent, f.flip)
	}
	return d.lender.slab.write(r.ticket, sent)
}

// flip changes one byte of b.
func flip(b []byte, at uint64) { b[at%uint64(len(b))] ^= 0x10 }

// broken ends the connection at both ends: a NIC that refuses a request, or
// fails one, takes its queue pair down with it.
func (d *driver) broken(why string) error {
	d.life.end(lost("%s", why))
	d.lender.life.end(lost("peer: %s", why))
	return d.life.err()
}

// repeatLater lets a packet of a push come again, when its loan may long have
// ended. It must not land.
func (d *driver) repeatLater(r request, f fate) {
	stray := append([]byte(nil), r.buf...)
	flip(stray, f.flip+1)
	time.AfterFunc(f.again, func() {
		if d.lender.slab.write(r.ticket, stray) != nil {
			d.fabric.late.Add(1)
		}
	})
}
