package tcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// lane is one connection of a driver's: a goroutine writes requests, another reads the
// answers, in the same order.
type lane struct {
	driver  *driver
	conn    net.Conn
	out     chan *request // to be written; has room for all that may be in flight
	awaited chan *request // written, or being written
	load    atomic.Int64  // bytes that are to move on it
}

// write writes requests until the connection breaks.
func (l *lane) write() error {
	for {
		select {
		case r := <-l.out:
			l.awaited <- r // ahead of the request, so that the answer finds it
			var err error
			r.short, err = l.driver.send(l.conn, header{r.op, r.ticket}, r.payload)
			r.payload.closePages()
			close(r.written)
			if err != nil {
				l.driver.fail(lost(err))
				l.giveUp()
				return err
			}
		case <-l.driver.broken:
			l.giveUp()
			return errors.New("the connection is broken") // what broke it is known already
		}
	}
}

// giveUp drops what is not written. The connection is broken, and nothing comes after it.
func (l *lane) giveUp() {
	for {
		select {
		case r := <-l.out:
			r.payload.closePages()
		default:
			return
		}
	}
}

// read reads answers until the connection breaks.
func (l *lane) read() error {
	for {
		h, err := l.driver.hear(l.conn)
		if err != nil {
			return err
		}
		var r *request
		select {
		case r = <-l.awaited:
		default:
			return errors.New("the peer answers what was not asked")
		}
		if h.op != r.op+1 || h.ticket != r.ticket {
			return fmt.Errorf("the peer answers with a frame of kind %d for slot %d, and another was due", h.op, h.ticket.Slot)
		}
		if err := l.driver.receive(l.conn, r.into); err != nil {
			return err
		}
		select {
		case <-r.written: // all of it came, so this is about to be
		case <-l.driver.broken:
			return l.driver.err()
		}
		l.load.Add(-int64(r.ticket.Len))
		if !r.finish() {
			l.driver.release(r)
		}
	}
}

// run sends a request and waits for its answer. After an error what the request holds is
// not the caller's any more.
func (d *driver) run(ctx context.Context, r *request) error {
	begun := time.Now()
	defer d.spent(transport.OnWire, begun, &d.wire)
	if err := d.post(r); err != nil {
		return err
	}
	stall := time.NewTimer(d.stall)
	defer stall.Stop()
	for {
		select {
		case <-r.done:
			return nil
		case <-d.broken:
			return d.err()
		case <-ctx.Done():
			if r.abandon() {
				return context.Cause(ctx)
			}
			<-r.done // it came all the same
			return nil
		case <-stall.C:
			idle := time.Since(d.start) - time.Duration(d.progress.Load())
			if idle >= d.stall && time.Since(begun) >= d.stall {
				d.fail(lost(d.stalled()))
			}
			stall.Reset(max(d.stall-idle, d.stall/8))
		}
	}
}

// post gives a request to the connection that has the least to do.
func (d *driver) post(r *request) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cause != nil {
		d.drop(r.payload)
		return d.cause
	}
	best := d.lanes[0]
	for _, l := range d.lanes[1:] {
		if l.load.Load() < best.load.Load() {
			best = l
		}
	}
	best.load.Add(int64(r.ticket.Len))
	best.out <- r // there is room: see lane.out
	return nil
}

// stalled says that nothing moves, and what that may be where nothing ever has: what came
// ahead of the bytes were short packets.
func (d *driver) stalled() error {
	why := fmt.Errorf("not a byte has moved for %v", d.stall)
	if d.bytes.Load() > 0 {
		return why
	}
	return fault.New(fault.Lost, "moving data by TCP", fmt.Errorf("%w, while the control connection works: packets of full length may be dropped on the way", why),
		"compare the MTUs of both hosts and of all switches between them (`ping -M do -s 8972 HOST` where it is 9000), then run the same command again")
}
