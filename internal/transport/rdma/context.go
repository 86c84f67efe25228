package rdma

import (
	"context"
	"log/slog"
	"sync"

	"github.com/rdmacp/rdmacp/internal/device"
	"github.com/rdmacp/rdmacp/internal/verbs"
)

// sharedContext is an open device, shared by the connections of a fabric, and
// the goroutine that reads its asynchronous events.
type sharedContext struct {
	*verbs.Context
	fabric *Fabric
	users  int // guarded by Fabric.mu
	stop   context.CancelFunc
	done   chan struct{}

	mu    sync.Mutex // guards what follows; who closes the context holds Fabric.mu and waits for watch
	conns map[*conn]struct{}
	gone  bool // the device is being removed
}

// acquire opens the device, or shares it. The last release closes it, so that
// the device can be removed from a host whose daemon is idle.
func (f *Fabric) acquire(name string) (*sharedContext, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.contexts[name]
	if c == nil || c.isGone() {
		vctx, err := verbs.Open(name)
		if err != nil {
			return nil, err
		}
		ctx, stop := context.WithCancel(context.Background())
		c = &sharedContext{Context: vctx, fabric: f, stop: stop, done: make(chan struct{}), conns: map[*conn]struct{}{}}
		go c.watch(ctx, f.log.With(slog.String("device", name)))
		f.contexts[name] = c
	}
	c.users++
	return c, nil
}

// release gives up one use of the context.
func (c *sharedContext) release() error {
	c.fabric.mu.Lock()
	defer c.fabric.mu.Unlock()
	c.users--
	if c.users > 0 {
		return nil
	}
	if c.fabric.contexts[c.Name()] == c {
		delete(c.fabric.contexts, c.Name())
	}
	return c.close()
}

// isGone reports whether the device is being removed.
func (c *sharedContext) isGone() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.gone
}

// add notes a connection, to end it when the device goes.
func (c *sharedContext) add(one *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		go one.removed()
		return
	}
	c.conns[one] = struct{}{}
}

// drop strikes a connection out.
func (c *sharedContext) drop(one *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.conns, one)
}

// slots are how many the connections have, by whether they hold anything.
func (c *sharedContext) slots() (used, free int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for one := range c.conns {
		free += one.pool.Free()
		used += one.pool.Slots() - one.pool.Free()
	}
	return used, free
}

// close stops the watcher, then closes the device.
func (c *sharedContext) close() error {
	c.stop()
	<-c.done
	return c.Close()
}

// watch reads asynchronous events, which have to be acknowledged lest closing
// blocks, and logs them. What they mean for a connection shows in its
// completions, but for the end of the device: then there are none.
func (c *sharedContext) watch(ctx context.Context, log *slog.Logger) {
	defer close(c.done)
	ctx, stop := context.WithCancel(ctx)
	looked := make(chan struct{})
	go func() {
		defer close(looked)
		device.AwaitRemoval(ctx, c.Name(), func() { c.removed(log) })
	}()
	defer func() {
		stop()
		<-looked
	}()
	for {
		event, err := c.NextEvent(ctx)
		if err != nil {
			if ctx.Err() == nil {
				log.Error("reading device events failed", slog.Any("error", err))
				<-ctx.Done() // the device may still go
			}
			return
		}
		log.Warn("device event", slog.String("event", event.Type.String()), slog.Int("port", event.Port))
		if event.Type == verbs.EventDeviceFatal {
			c.removed(log)
		}
	}
}

// removed ends all connections over a device that is being removed.
func (c *sharedContext) removed(log *slog.Logger) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return
	}
	c.gone = true
	log.Warn("the RDMA device is removed, and what goes over it ends", slog.Int("connections", len(c.conns)))
	for one := range c.conns {
		go one.removed() // each may have to wait
	}
}
