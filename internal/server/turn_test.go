package server_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/server"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// impatient is a daemon that waits for its clients no longer than that.
func impatient(limit time.Duration) func(*server.Config) {
	return func(c *server.Config) { c.SessionIdle, c.StallTimeout = limit, limit }
}

// beat says that the client lives, and nothing else, until the test ends.
func (r *raw) beat(t *testing.T, messages ...any) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	t.Cleanup(func() { cancel(); <-done })
	var all []*pb.SessionRequest
	for _, m := range messages {
		all = append(all, request(t, m))
	}
	go func() {
		defer close(done)
		for {
			for _, m := range all {
				if r.stream.Send(m) != nil {
					return
				}
			}
			select {
			case <-time.After(20 * time.Millisecond):
			case <-ctx.Done():
				return
			}
		}
	}()
}

// A client that lives and does nothing, between copies or where it is its turn in one, loses
// its session, and nothing that it has taken is kept for it.
func TestHostileSilence(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{}, impatient(500*time.Millisecond))
	must(t, os.WriteFile(filepath.Join(d.dir, "sub", "there"), noise(3*chunk), 0o600))
	data := noise(3 * chunk)
	wanted := func(t *testing.T, r *raw) {
		t.Helper()
		r.say(t, aPut(), one(3))
		r.hear(t)
		r.until(t, func(b *pb.Batch) bool { return len(b.GetVerdicts())+len(b.GetWanted()) > 0 })
	}
	told := func(t *testing.T, r *raw) (id uint64) {
		t.Helper()
		r.say(t, aGet())
		r.hear(t)
		r.until(t, func(b *pb.Batch) bool {
			for _, e := range b.GetEntries() {
				if e.GetKind() == pb.Kind_KIND_FILE {
					id = e.GetId()
				}
			}
			return b.GetLast()
		})
		return id
	}
	for name, tt := range map[string]struct {
		way transport.Direction
		say func(t *testing.T, r *raw)
	}{
		"no copy":    {transport.Put, func(*testing.T, *raw) {}},
		"no entries": {transport.Put, func(t *testing.T, r *raw) { t.Helper(); r.say(t, aPut()) }},
		"no last entry": {transport.Put, func(t *testing.T, r *raw) {
			t.Helper()
			r.say(t, aPut(), &pb.Batch{Entries: []*pb.Entry{aFile(1, 0)}})
		}},
		"no offers": {transport.Put, wanted},
		"no seal": {transport.Put, func(t *testing.T, r *raw) {
			t.Helper()
			wanted(t, r)
			r.say(t, offers(r.offer(t, data, 0), r.offer(t, data, 1), r.offer(t, data, 2)))
		}},
		"no finish": {transport.Put, func(t *testing.T, r *raw) {
			t.Helper()
			r.say(t, aPut(), &pb.Batch{Last: true})
			r.hear(t)
			r.until(t, func(b *pb.Batch) bool { return b.GetDone() })
		}},
		"no verdicts": {transport.Get, func(t *testing.T, r *raw) { t.Helper(); told(t, r) }},
		"no room": {transport.Get, func(t *testing.T, r *raw) {
			t.Helper()
			r.say(t, &pb.Batch{Verdicts: []*pb.Verdict{{Id: told(t, r), Answer: pb.Answer_ANSWER_WANT, Ranges: []*pb.Range{{Length: 3 * chunk}}}}})
		}},
		"no second copy": {transport.Get, func(t *testing.T, r *raw) { t.Helper(); r.copies(t, aGet()) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := d.shake(t, tt.way)
			tt.say(t, r)
			r.beat(t, &pb.Heartbeat{}, &pb.Heartbeat{})
			failsWith(t, r.verdict(t), fault.Timeout)
		})
	}
	t.Run("empty batches", func(t *testing.T) {
		t.Parallel()
		r := d.shake(t, transport.Put)
		wanted(t, r)
		r.beat(t, &pb.Batch{})
		failsWith(t, r.verdict(t), fault.Timeout)
	})
	t.Cleanup(func() {
		eventually(t, "the sessions are over", func() bool { return len(d.Sessions()) == 0 })
		lists(t, d.dir, "sub")
	})
}

// A copy in which it is the daemon's turn, or that the client goes on with in time, may take as
// long as it takes.
func TestPatience(t *testing.T) {
	t.Parallel()
	const limit = 500 * time.Millisecond
	d := start(t, memory.Faults{Delay: 2 * limit}, impatient(limit))
	data := noise(2*chunk + 1)
	_, err := put(t.Context(), t, d.dial(t, transport.Put), data, to("x"), nil)
	must(t, err)
	holds(t, filepath.Join(d.dir, "x"), data)
	local, _, err := get(t.Context(), t, d.dial(t, transport.Get), to("x"), nil)
	must(t, err)
	holds(t, local, data)

	d = start(t, memory.Faults{}, impatient(limit))
	r := d.shake(t, transport.Put)
	r.say(t, aPut())
	r.hear(t)
	for id := range uint64(4) {
		time.Sleep(limit / 2)
		r.say(t, &pb.Batch{Entries: []*pb.Entry{with(aFile(id+1, 0), func(e *pb.Entry) { e.Name = []byte{'a' + byte(id)}; e.Kind = pb.Kind_KIND_DIR })}})
	}
	r.say(t, &pb.Abort{})
	failsWith(t, r.verdict(t), fault.Interrupted)
}
