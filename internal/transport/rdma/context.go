package rdma

import (
	"context"
	"log/slog"

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
}

// acquire opens the device, or shares it. The last release closes it, so that
// the device can be removed from a host whose daemon is idle.
func (f *Fabric) acquire(name string) (*sharedContext, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.contexts[name]
	if c == nil {
		vctx, err := verbs.Open(name)
		if err != nil {
			return nil, err
		}
		ctx, stop := context.WithCancel(context.Background())
		c = &sharedContext{Context: vctx, fabric: f, stop: stop, done: make(chan struct{})}
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
	delete(c.fabric.contexts, c.Name())
	return c.close()
}

// close stops the watcher, then closes the device.
func (c *sharedContext) close() error {
	c.stop()
	<-c.done
	return c.Close()
}

// watch reads asynchronous events, which have to be acknowledged lest closing
// blocks, and logs them. What they mean for a connection shows in its
// completions.
func (c *sharedContext) watch(ctx context.Context, log *slog.Logger) {
	defer close(c.done)
	for {
		event, err := c.NextEvent(ctx)
		if err != nil {
			if ctx.Err() == nil {
				log.Error("reading device events failed", slog.Any("error", err))
			}
			return
		}
		log.Warn("device event", slog.String("event", event.Type.String()), slog.Int("port", event.Port))
	}
}
