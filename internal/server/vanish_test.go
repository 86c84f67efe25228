package server_test

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// A client whose process dies in the middle of a put leaves no file that is not
// complete, and nothing that is in the way of the next.
func TestClientDies(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{})
	data := noise(10 * chunk)
	for _, die := range []func(r *raw) error{
		func(r *raw) error { return r.conn.Close() },
		func(r *raw) error { return r.stream.CloseSend() },
	} {
		r := d.shake(t, transport.Put)
		r.say(t, aPut(), one(10))
		if m := r.hear(t); m.GetAccept() == nil {
			t.Fatalf("got %v", m)
		}
		r.until(t, func(b *pb.Batch) bool { return len(b.GetVerdicts())+len(b.GetWanted()) > 0 })
		r.say(t, offers(r.offer(t, data, 0)))
		r.until(t, func(b *pb.Batch) bool { return len(b.GetSettled()) == 1 })
		lists(t, d.dir, "sub")
		must(t, die(r))
		eventually(t, "the daemon has let go", func() bool {
			_, err := put(t.Context(), t, d.dial(t, transport.Put), noise(3), to("x"), nil)
			return err == nil
		})
		lists(t, d.dir, "sub", "x")
		must(t, os.Remove(filepath.Join(d.dir, "x")))
	}
	d.serves(t)
}

// A host that vanishes without a word: both ends notice within the limit.
func TestHostVanishes(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes the 5 s after which silence is death")
	}
	d := start(t, slow)
	line := newLine(t, d.addr)
	o := d.options(transport.Put)
	o.Address = line.addr
	s, err := client.Dial(t.Context(), o)
	must(t, err)
	var once sync.Once
	var cut time.Time
	_, err = put(t.Context(), t, s, noise(1000*chunk), to("x"), func(int64) {
		once.Do(func() {
			cut = time.Now()
			line.frozen.Store(true)
		})
	})
	failsWith(t, err, fault.Lost)
	lists(t, d.dir, "sub")
	_ = s.Close() // its goodbye is heard by nobody
	if took := time.Since(cut); took > soon {
		t.Errorf("it took %v", took)
	}
	d.serves(t)
	lists(t, filepath.Join(d.dir, "sub"))
}

// Who connects and says nothing, or nothing of use, is shown out.
func TestSilentClient(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes the 8 s that a client has to open its session")
	}
	d := start(t, memory.Faults{})
	mute, idle := d.raw(t, transport.Put), d.raw(t, transport.Put)
	begun := time.Now()
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for {
			select {
			case <-time.After(time.Second):
				_ = idle.stream.Send(&pb.SessionRequest{Message: &pb.SessionRequest_Heartbeat{Heartbeat: &pb.Heartbeat{}}})
			case <-stop:
				return
			}
		}
	}()
	failsWith(t, mute.verdict(t), fault.Lost)
	failsWith(t, idle.verdict(t), fault.Timeout)
	if took := time.Since(begun); took > soon {
		t.Errorf("it took %v", took)
	}
}

// line is a TCP connection that can be frozen: what is sent then goes nowhere,
// and neither end is told.
type line struct {
	addr   string
	frozen atomic.Bool
}

func newLine(t *testing.T, to string) *line {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	l := &line{addr: lis.Addr().String()}
	var carriers sync.WaitGroup
	carriers.Go(func() {
		near, err := lis.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", to)
		if err != nil {
			t.Error(err)
			_ = near.Close()
			return
		}
		t.Cleanup(func() {
			_ = near.Close()
			_ = far.Close()
			carriers.Wait()
		})
		carriers.Go(func() { _, _ = io.Copy(far, freezer{near, l}) })
		carriers.Go(func() { _, _ = io.Copy(near, freezer{far, l}) })
	})
	t.Cleanup(func() { _ = lis.Close() })
	return l
}

// freezer reads from one end of a line.
type freezer struct {
	net.Conn
	line *line
}

func (f freezer) Read(b []byte) (int, error) {
	for {
		n, err := f.Conn.Read(b)
		if err != nil || !f.line.frozen.Load() {
			return n, err
		}
	}
}
