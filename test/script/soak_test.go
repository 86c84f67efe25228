package script

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/admin"
)

// soakSeconds is how long the mixed load goes on: RDMACP_SOAK, as `make soak` sets it, else a
// moment.
func soakSeconds() float64 {
	s, err := strconv.ParseFloat(cmp.Or(os.Getenv("RDMACP_SOAK"), "5"), 64)
	if err != nil {
		panic(err)
	}
	return s
}

// notShort skips a test of very many processes where each is slow.
func notShort(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("with the race detector its processes take minutes to start; without -short it runs")
	}
}

// use is what a daemon uses, by its own metrics.
type use struct{ goroutines, files, resident float64 }

// soaked is a daemon that is watched.
type soaked struct {
	dir, port, socket string
}

func soakDaemon(t *testing.T, flags ...string) *soaked {
	t.Helper()
	s := &soaked{dir: t.TempDir()}
	s.socket = filepath.Join(s.dir, "admin.sock")
	must(t, os.Mkdir(filepath.Join(s.dir, "srv"), 0o700))
	_, s.port = daemonProcess(t, filepath.Join(s.dir, "srv"), "0", append(flags, "--admin="+s.socket)...)
	return s
}

// file makes a file of random bytes.
func (s *soaked) file(t *testing.T, name string, size int) string {
	t.Helper()
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(size)}).Read(b)
	path := filepath.Join(s.dir, name)
	must(t, os.WriteFile(path, b, 0o600))
	return path
}

// look asks the daemon what it uses.
func (s *soaked) look(t *testing.T) (u use) {
	t.Helper()
	c := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", s.socket)
		},
	}}
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://rdmad/metrics", nil)
	must(t, err)
	a, err := c.Do(q)
	must(t, err)
	text, err := io.ReadAll(a.Body)
	must(t, err)
	must(t, a.Body.Close())
	for name, to := range map[string]*float64{"go_goroutines": &u.goroutines, "process_open_fds": &u.files, "process_resident_memory_bytes": &u.resident} {
		m := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindSubmatch(text)
		if m == nil {
			t.Fatalf("the metrics have no %s", name)
		}
		*to, err = strconv.ParseFloat(string(m[1]), 64)
		must(t, err)
	}
	return u
}

// idle is what the daemon uses once the sessions that were there have ended.
func (s *soaked) idle(t *testing.T) use {
	t.Helper()
	now := s.look(t)
	for before := (use{}); now.goroutines != before.goroutines || now.files != before.files; time.Sleep(200 * time.Millisecond) {
		before, now = now, s.look(t)
	}
	return now
}

// settles fails the test unless the daemon soon uses no more than it did; a Go program keeps
// some of the memory that it once had.
func (s *soaked) settles(t *testing.T, before use) {
	t.Helper()
	const slack = 48 << 20
	var now use
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		now = s.look(t)
		if now.goroutines <= before.goroutines && now.files <= before.files && now.resident <= before.resident+slack {
			t.Logf("it used %+v, and uses %+v", before, now)
			return
		}
	}
	t.Errorf("it used %+v, and uses %+v", before, now)
}

// run runs a copy as a process of its own.
func (s *soaked) run(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, os.Args[0], append([]string{"--transport=tcp", "-q", "--port=" + s.port}, args...)...) //nolint:gosec // the test itself
	cmd.Env = append(os.Environ(), asCommand+"=rdmacp")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%v: %w: %s", args, err, stderr.String())
	}
	return nil
}

// Copies that come and go, of small files, large ones and trees, there and back, some of them
// cut, leave nothing in the daemon.
func TestSoak(t *testing.T) {
	notShort(t)
	s := soakDaemon(t)
	small, large := s.file(t, "small", 5000), s.file(t, "large", 20<<20)
	tree := filepath.Join(s.dir, "tree")
	must(t, os.Mkdir(tree, 0o700))
	for i := range 50 {
		must(t, os.WriteFile(filepath.Join(tree, strconv.Itoa(i)), make([]byte, i*100), 0o600))
	}
	// mixed runs one copy of worker w. One that was cut has no result.
	mixed := func(w, i int) error {
		there := fmt.Sprintf("127.0.0.1::data/%d", w)
		here := filepath.Join(s.dir, strconv.Itoa(w))
		switch i % 6 {
		case 0:
			return s.run(t.Context(), small, there)
		case 1:
			return s.run(t.Context(), there, here)
		case 2:
			return s.run(t.Context(), "-a", "--delete", tree+"/", there+".d")
		case 3:
			return s.run(t.Context(), "-a", there+".d/", here+".d")
		case 4:
			return s.run(t.Context(), "-I", large, there)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(20+rand.IntN(100))*time.Millisecond)
		defer cancel()
		_ = s.run(ctx, "-I", large, there+".cut")
		return nil
	}
	const workers = 4
	round := func(until time.Time) (copies int) {
		var all sync.WaitGroup
		var mu sync.Mutex
		for w := range workers {
			all.Go(func() {
				for i := 0; i < 6 || time.Now().Before(until); i++ {
					if err := mixed(w, i); err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					copies++
					mu.Unlock()
				}
			})
		}
		all.Wait()
		return copies
	}
	round(time.Time{})
	before := s.idle(t)
	copies := round(time.Now().Add(time.Duration(soakSeconds() * float64(time.Second))))
	t.Logf("%d copies", copies)
	s.settles(t, before)
}

// Many clients at once get even shares, and leave nothing in the daemon.
func TestCrowd(t *testing.T) {
	notShort(t)
	const clients = 64
	s := soakDaemon(t, "--max-sessions=64", "--max-client-sessions=64")
	must(t, os.Rename(s.file(t, "big", 512<<20), filepath.Join(s.dir, "srv", "big")))
	s.crowd(t, clients, time.Second) // what the daemon needs for it, it may keep
	before := s.idle(t)
	shares := s.crowd(t, clients, 3*time.Second)
	slices.Sort(shares)
	t.Logf("each has got %d to %d MiB, the median %d", shares[0]>>20, shares[clients-1]>>20, shares[clients/2]>>20)
	if low, high := shares[clients/20], shares[clients-1-clients/20]; high > low*3/2 {
		t.Errorf("of %d clients, those in the middle have got %d to %d bytes", clients, low, high)
	}
	s.settles(t, before)
}

// crowd has clients copy the same at once, and returns what each has got within a time. They
// are cut in the end.
func (s *soaked) crowd(t *testing.T, clients int, took time.Duration) []uint64 {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	defer func() { cancel(); all.Wait() }()
	for range clients {
		all.Go(func() { _ = s.run(ctx, "--slots=2", "--chunk-size=256KiB", "127.0.0.1::data/big", "-") })
	}
	var first, last admin.Status
	for deadline := time.Now().Add(30 * time.Second); len(first.Sessions) < clients; time.Sleep(50 * time.Millisecond) {
		must(t, admin.Ask(ctx, s.socket, http.MethodGet, "/v1/status", nil, &first))
		if time.Now().After(deadline) {
			t.Fatalf("%d sessions are open", len(first.Sessions))
		}
	}
	time.Sleep(took)
	must(t, admin.Ask(ctx, s.socket, http.MethodGet, "/v1/status", nil, &last))
	shares := moved(first, last)
	if len(shares) != clients {
		t.Fatalf("%d clients were served all the time", len(shares))
	}
	return shares
}

// moved is what each session has moved between two looks.
func moved(first, last admin.Status) (shares []uint64) {
	earlier := map[string]uint64{}
	for _, s := range first.Sessions {
		earlier[s.ID] = s.Bytes
	}
	for _, s := range last.Sessions {
		if from, ok := earlier[s.ID]; ok {
			shares = append(shares, s.Bytes-from)
		}
	}
	return shares
}
