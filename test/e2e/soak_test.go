//go:build linux

package e2e

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	soakPort    = "7477"
	soakMetrics = there + "-mgmt:9477"
	soakSocket  = "/run/rdmad-soak.sock"
	soakDir     = dataDir + "/soak"
)

// soakTime is how long a load goes on; `make soak` says it, in seconds, by RDMACP_SOAK.
func soakTime(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("RDMACP_SOAK")
	if text == "" {
		t.Skip("make soak runs it")
	}
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatalf("RDMACP_SOAK: %v", err)
	}
	return time.Duration(seconds * float64(time.Second))
}

// soaked is a daemon that is watched.
type soaked struct {
	*trial
	daemon *daemon
}

// soak starts one. It has ended when the trial's questions are asked.
func soak(t *testing.T) *soaked {
	t.Helper()
	s := &soaked{trial: newTrial(t)}
	for _, n := range s.lab.nodes() {
		must(t, n, "mkdir -p %s", soakDir)
		mustLater(t, n, "rm -rf %s", soakDir)
	}
	d, err := s.lab.startDaemon(nil, "--insecure", "--listen=0.0.0.0:"+soakPort, "--metrics="+soakMetrics, "--admin="+soakSocket,
		"--export=data="+soakDir, "--max-sessions=64", "--max-client-sessions=64")
	if err != nil {
		t.Fatal(err)
	}
	s.daemon = d
	t.Cleanup(func() {
		if code, err := d.stop(); err != nil || code != 0 {
			t.Errorf("the daemon ended with %d, %v\n%s", code, err, d.log.String())
		}
	})
	return s
}

// run runs a copy by RDMA.
func (s *soaked) run(ctx context.Context, args ...string) error { return s.pipe(ctx, nil, args...) }

// pipe runs a copy whose standard output is taken.
func (s *soaked) pipe(ctx context.Context, stdout io.Writer, args ...string) error {
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, s.lab.rdmacp, append([]string{"-q", "--transport=rdma", "--port=" + soakPort}, args...)...)
	cmd.Stdout, cmd.Stderr = stdout, &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%v: %w: %s", args, err, stderr.String())
	}
	return nil
}

// use is what a daemon uses, by its own metrics and by the kernel's list of RDMA objects.
type use struct {
	goroutines, files, resident, pinned float64
	objects                             string
}

// metrics asks the daemon for them.
func (s *soaked) metrics() metrics {
	s.t.Helper()
	m, err := scrape(s.t.Context(), soakMetrics)
	if err != nil {
		s.t.Fatal(err)
	}
	return m
}

// look asks what the daemon uses.
func (s *soaked) look() use {
	s.t.Helper()
	objects, err := resources(s.lab.there)
	if err != nil {
		s.t.Fatal(err)
	}
	m := s.metrics()
	u := use{
		goroutines: m.sum("go_goroutines"), files: m.sum("process_open_fds"), resident: m.sum("process_resident_memory_bytes"),
		pinned: m.sum("rdmad_pinned_bytes"), objects: objects,
	}
	if u.goroutines == 0 || u.files == 0 || u.resident == 0 {
		s.t.Fatalf("the metrics do not say what the daemon uses: %+v", u)
	}
	return u
}

// more says whether the daemon uses more than it did. A Go program keeps some of the memory that it once had.
func (u use) more(before use) bool {
	const slack = 48 << 20
	return u.goroutines > before.goroutines || u.files > before.files || u.pinned > before.pinned ||
		u.resident > before.resident+slack || u.objects != before.objects
}

// settles fails the test unless the daemon soon uses no more than it did.
func (s *soaked) settles(before use) {
	s.t.Helper()
	var now use
	if !eventually(settleLimit, func() bool { now = s.look(); return !now.more(before) }) {
		s.t.Errorf("the daemon uses more than before: it was %+v, and is %+v", before, now)
	}
	s.t.Logf("it used %+v, and uses %+v", before, now)
}

// TestSoak has copies come and go by RDMA, of small files, large ones and trees, there and back, some of them cut, for as long
// as is asked for: the daemon uses then what it used at the start.
func TestSoak(t *testing.T) {
	long := soakTime(t)
	s := soak(t)
	small, large := random(t, s.lab.here, soakDir+"/small", 5000), random(t, s.lab.here, soakDir+"/large", 8<<20)
	must(t, s.lab.here, "mkdir %[1]s/tree; for i in $(seq 50); do head -c $((i * 100)) %[2]s >%[1]s/tree/$i; done", soakDir, small.path)
	content, err := os.ReadFile(small.path)
	if err != nil {
		t.Fatal(err)
	}
	// one runs the copy i of worker w. One that was cut has no result.
	one := func(w, i int) error {
		name := fmt.Sprintf("%s/%d", soakDir, w)
		to := fmt.Sprintf("%s::data/%d", there, w)
		switch i % 6 {
		case 0:
			return s.run(t.Context(), small.path, to)
		case 1:
			if err := s.run(t.Context(), "-I", to, name); err != nil {
				return err
			}
			if got, err := os.ReadFile(name); err != nil || !bytes.Equal(got, content) {
				return fmt.Errorf("%s is not what was copied: %w", name, cmp.Or(err, errors.New("its bytes are others")))
			}
			return nil
		case 2:
			return s.run(t.Context(), "-a", "--delete", soakDir+"/tree/", to+".d")
		case 3:
			return s.run(t.Context(), "-a", to+".d/", name+".d")
		case 4:
			return s.run(t.Context(), "-I", large.path, to)
		default: // by SIGKILL
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(300+rand.IntN(1500))*time.Millisecond)
			defer cancel()
			_ = s.run(ctx, "-I", large.path, to+".cut")
			return nil
		}
	}
	var copies atomic.Int64
	round := func(until time.Time) {
		var all sync.WaitGroup
		for w := range 4 {
			all.Go(func() {
				for i := 0; i < 6 || time.Now().Before(until); i++ {
					if err := one(w, i); err != nil {
						t.Error(err)
						return
					}
					copies.Add(1)
				}
			})
		}
		all.Wait()
	}
	round(time.Time{})
	before := s.look()
	copies.Store(0)
	begun := time.Now()
	round(begun.Add(long))
	answered(t.Name(), result{code: fmt.Sprintf("%d copies", copies.Load()), seconds: time.Since(begun).Seconds()})
	s.settles(before)
}

// TestCrowd has many clients copy the same file at once, by RDMA: they get even shares, and leave nothing in the daemon.
// The heartbeats of 64 processes alone are more than one emulated CPU has the time for; by TCP, on the host
// itself, test/script has as many.
func TestCrowd(t *testing.T) {
	took := min(soakTime(t), time.Minute)
	const clients = 16
	s := soak(t)
	must(t, s.lab.there, "head -c 300M /dev/urandom >%s/big", soakDir)
	s.crowd(clients, time.Second) // what the daemon needs for it, it may keep
	before := s.look()
	shares := s.crowd(clients, took)
	slices.Sort(shares)
	t.Logf("in %v each has got %d to %d KiB, the median %d", took, shares[0]>>10, shares[clients-1]>>10, shares[clients/2]>>10)
	if low, high := shares[1], shares[clients-2]; low == 0 || float64(high) > 1.5*float64(low) {
		t.Errorf("of %d clients, those in the middle have got %d to %d bytes", clients, low, high)
	}
	s.settles(before)
}

// gate takes what is written to it, but nothing before it is opened.
type gate chan struct{}

func (g gate) Write(p []byte) (int, error) {
	<-g
	return len(p), nil
}

// crowd has clients copy the same at once, and returns what each has got within a time. They are cut in the end. They are
// started one after the other, and wait with what they have got until all are there: starting is slow, and not what is asked.
func (s *soaked) crowd(clients int, took time.Duration) (shares []int64) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	opened := make(gate)
	open := sync.OnceFunc(func() { close(opened) })
	var all sync.WaitGroup
	defer all.Wait()
	defer open()
	defer cancel()
	for n := range clients {
		all.Go(func() {
			err := s.pipe(ctx, opened, "--slots=2", "--qps=1", "--rails=1", "--chunk-size=64KiB", there+"::data/big", "-")
			if ctx.Err() == nil {
				s.t.Errorf("client %d ended: %v", n, err)
			}
		})
		if !eventually(startLimit, func() bool { return s.metrics().sum("rdmad_sessions") > float64(n) }) {
			s.t.Fatalf("client %d is not served within %v\n%s", n, startLimit, s.daemon.log.String())
		}
	}
	open()
	first := s.moved()
	time.Sleep(took)
	last := s.moved()
	for id, to := range last {
		shares = append(shares, to-first[id])
	}
	if len(shares) != clients {
		s.t.Fatalf("%d of %d clients are served in the end\n%s", len(shares), clients, s.daemon.log.String())
	}
	return shares
}

// moved is what each session has moved.
func (s *soaked) moved() map[string]int64 {
	s.t.Helper()
	var status struct {
		Sessions []struct {
			ID    string `json:"session"`
			Bytes int64
		}
	}
	if err := json.Unmarshal([]byte(must(s.t, s.lab.there, "%s status --json --admin=%s", s.lab.rdmad, soakSocket)), &status); err != nil {
		s.t.Fatal(err)
	}
	moved := map[string]int64{}
	for _, one := range status.Sessions {
		moved[one.ID] = one.Bytes
	}
	return moved
}
