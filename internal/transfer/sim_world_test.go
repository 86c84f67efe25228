package transfer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transfer"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
	"github.com/rdmacp/rdmacp/internal/transport/transporttest"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// world is one run of a simulated copy.
type world struct {
	scenario
	plot           *plot
	fabric         wires
	link           *controlLink
	client, daemon side
	took           time.Duration
	struck         atomic.Bool // the host has lost power, or the user has given up
}

// side is one end's view of a copy when it is over.
type side struct {
	report   transfer.Report
	err      error
	progress atomic.Int64
	problems atomic.Int64
	spare    error // whether all slots could be lent again, where the copy succeeded
	most     int   // calls of the driver at once
}

func newWorld(s scenario, d *disk) *world {
	return &world{
		scenario: s,
		fabric:   newWires(s),
		plot:     newPlot(d, s.source.slow, s.sinkTrouble, s.delta),
	}
}

// run copies.
func (w *world) run(t *testing.T) {
	t.Helper()
	lender, driver := transporttest.Connect(t, w.fabric, w.setup(), w.fabric, w.setup())
	clientCtx, stopClient := context.WithCancelCause(t.Context())
	daemonCtx, stopDaemon := context.WithCancelCause(t.Context())
	w.link = newLink(w.scenario, func() {
		stopClient(errStreamGone) // as the stream's context does
		stopDaemon(errStreamGone)
	})
	trouble := time.AfterFunc(w.at, func() {
		w.struck.Store(w.kill != 0 || w.cancel != 0)
		switch {
		case w.kill != 0:
			w.powerOff()
		case w.cancel == memory.LenderSide:
			stopClient(context.Canceled)
		case w.cancel == memory.DriverSide:
			stopDaemon(context.Canceled)
		}
	})
	start := time.Now()
	var wg sync.WaitGroup
	wg.Go(func() { w.runClient(clientCtx, paced{lender, w.seed}) })
	wg.Go(func() { w.runDaemon(daemonCtx, driver) })
	wg.Wait()
	left := w.plot.close() // behind both ends of the data path
	if receiver := w.sink(); left > 0 && receiver.err == nil {
		t.Errorf("%d files are in the making after the end", left)
	}
	w.took = time.Since(start)
	trouble.Stop()
	w.link.breakDown()
}

// sink is the end that makes the files.
func (w *world) sink() *side {
	if w.direction == transport.Put {
		return &w.daemon
	}
	return &w.client
}

// powerOff takes a host down. What runs on it runs on, but reaches nothing.
func (w *world) powerOff() {
	w.fabric.Kill(w.kill)
	w.link.frozen.Store(true)
	if (w.kill == memory.DriverSide) == (w.direction == transport.Put) {
		w.plot.crash()
	}
	time.AfterFunc(keepalive, w.link.breakDown)
}

func (w *world) setup() transport.Setup {
	return transport.Setup{Direction: w.direction, ChunkSize: w.chunk, Slots: w.slots, QPs: 1}
}

func (w *world) options(s *side, window int) transfer.Options {
	return transfer.Options{
		Chunk: w.chunk, Window: window, Open: w.open,
		Events: transfer.Events{
			Moved:   func(n int64) { s.progress.Add(n) },
			Problem: func(tree.Problem) { s.problems.Add(1) },
		},
	}
}

// runClient does what a client does around the engine: it says how it ended, and
// waits for the daemon's last word before it closes.
func (w *world) runClient(ctx context.Context, l transport.Lender) {
	defer func() { _ = l.Close() }()
	c, link := &w.client, w.link
	o := w.options(c, w.lendWindow)
	o.FailFast = w.failFast
	if w.direction == transport.Put {
		c.report, c.err = transfer.Send(ctx, l, link.clientEnd(), w.source, o)
	} else {
		c.report, c.err = transfer.Receive(ctx, l, link.clientEnd(), w.plot, o)
	}
	if c.err == nil {
		c.err = w.finish(ctx)
	}
	if c.err == nil {
		if spare := w.lendAll(ctx, l); !w.struck.Load() {
			c.spare = spare
		}
	}
	if c.err != nil {
		ctx := context.WithoutCancel(ctx)
		go func() { _ = link.send(ctx, link.toDaemon, message{fault: c.err}) }()
		link.drain(ctx, link.toClient) // closing earlier would look like a lost connection to the daemon
	}
}

// finish says Finish and waits for Committed.
func (w *world) finish(ctx context.Context) error {
	err := w.link.send(ctx, w.link.toDaemon, message{finish: true})
	if err == nil {
		_, err = w.link.receive(ctx, w.link.toClient)
	}
	if errors.Is(err, context.Canceled) {
		return fault.New(fault.Interrupted, "waiting for the daemon", err, "")
	}
	return err
}

// lendAll lends every slot once more: a copy that succeeded keeps none.
func (w *world) lendAll(ctx context.Context, l transport.Lender) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepalive)
	defer cancel()
	var loans []transport.Loan
	for range w.slots {
		loan, err := w.lendOne(ctx, l)
		if err != nil {
			return err
		}
		loans = append(loans, loan)
	}
	for _, loan := range loans {
		loan.Return()
	}
	return nil
}

func (w *world) lendOne(ctx context.Context, l transport.Lender) (transport.Loan, error) {
	if w.direction == transport.Put {
		return l.LendSource(ctx, bytes.NewReader([]byte{1}), transport.Extent{Len: 1})
	}
	return l.LendSink(ctx, nil, transport.Extent{Len: 1})
}

// runDaemon does what a daemon does around the engine.
func (w *world) runDaemon(ctx context.Context, d transport.Driver) {
	defer func() { _ = d.Close() }()
	s, link, m := &w.daemon, w.link, &meter{Driver: d}
	o := w.options(s, w.driveWindow)
	if w.direction == transport.Put {
		s.report, s.err = transfer.Pull(ctx, m, link.daemonEnd(), w.plot, o)
	} else {
		s.report, s.err = transfer.Push(ctx, m, link.daemonEnd(), w.source, o)
	}
	s.most = int(m.most.Load())
	ctx = context.WithoutCancel(ctx)
	go link.drain(ctx, link.toDaemon)
	_ = link.send(ctx, link.toClient, message{finish: s.err == nil, fault: s.err})
}

// meter counts the calls of a driver that run at once.
type meter struct {
	transport.Driver
	now, most atomic.Int64
}

func (m *meter) enter() func() {
	if n := m.now.Add(1); n > m.most.Load() {
		m.most.Store(n) // approximately, which is enough to show a window that isn't kept
	}
	return func() { m.now.Add(-1) }
}

func (m *meter) Pull(ctx context.Context, t transport.Ticket, dst io.WriterAt, ext transport.Extent) (transport.Digest, error) {
	defer m.enter()()
	return m.Driver.Pull(ctx, t, dst, ext)
}

func (m *meter) Push(ctx context.Context, src io.ReaderAt, ext transport.Extent, t transport.Ticket) (transport.Digest, error) {
	defer m.enter()()
	return m.Driver.Push(ctx, src, ext, t)
}

// String is what happened.
func (w *world) String() string {
	text := func(err error) string {
		return fmt.Sprintf("%s %v", fault.CodeOf(err), err)
	}
	return fmt.Sprintf("%s\n  client %+v %s\n  daemon %+v %s\n  took %s",
		w.scenario, w.client.report, text(w.client.err), w.daemon.report, text(w.daemon.err), w.took)
}

// ending is what a second run of the seed has to give again. What still gets
// done behind an error is a race between many that are all cancelled at the same
// instant of virtual time, so of a failure it is only the client's code.
func (w *world) ending() string {
	if w.client.err != nil {
		return fault.CodeOf(w.client.err).String()
	}
	r := w.client.report
	return fmt.Sprintf("%d retried, %d problems; %s, %d messages, %d late",
		r.Retried, r.Problems, w.took, w.link.steps.Load(), w.fabric.LatePackets())
}

// class is the kind of an ending.
func class(ending string) string {
	retried, rest, ok := strings.Cut(ending, " retried, ")
	if !ok {
		return ending
	}
	kind := "ok"
	if retried != "0" {
		kind += ", retried"
	}
	if !strings.HasPrefix(rest, "0 ") {
		kind += ", with problems"
	}
	return kind
}
