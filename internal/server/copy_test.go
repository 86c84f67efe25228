package server_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/server"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
)

var sizes = []int{0, 1, chunk - 1, chunk, chunk + 1, 40*chunk + 17}

// Files of every size arrive whole, one after the other in one session, with
// their modes and times.
func TestPut(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{Delay: time.Millisecond})
	s := d.dial(t, transport.Put)
	for _, n := range sizes {
		name, data, done := fmt.Sprint(n), noise(n), make(chan int64, 100)
		r, err := put(t.Context(), t, s, data, to(name), func(n int64) { done <- n })
		if err != nil {
			t.Fatalf("%d bytes: %v", n, err)
		}
		path := filepath.Join(d.dir, name)
		holds(t, path, data)
		kept(t, path)
		check(t, r, n, path, len(done))
	}
	lists(t, filepath.Join(d.dir, "sub"))
}

func TestGet(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{Delay: time.Millisecond})
	s := d.dial(t, transport.Get)
	for _, n := range sizes {
		name, data, done := fmt.Sprint(n), noise(n), make(chan int64, 100)
		path := filepath.Join(d.dir, name)
		must(t, os.WriteFile(path, data, 0o640))
		must(t, os.Chtimes(path, time.Time{}, stamp))
		local, r, err := get(t.Context(), t, s, to(name), func(n int64) { done <- n })
		if err != nil {
			t.Fatalf("%d bytes: %v", n, err)
		}
		holds(t, local, data)
		kept(t, local)
		lists(t, filepath.Dir(local), "got")
		check(t, r, n, path, len(done))
	}
}

// kept checks mode and time.
func kept(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode() != 0o640 || !info.ModTime().Equal(stamp) {
		t.Errorf("%s has mode %v and time %v", path, info.Mode(), info.ModTime())
	}
}

// check checks what a copy of a file of n bytes reports.
func check(t *testing.T, r client.Result, n int, path string, progress int) {
	t.Helper()
	chunks := (n + chunk - 1) / chunk
	if r.Path != path || r.Bytes != int64(n) || r.Chunks != int64(chunks) || r.Retried != 0 || r.Problems != 0 ||
		r.Entries != 1 || r.Files != 1 || progress != chunks ||
		r.Local.Bytes != uint64(n) || r.Remote.Bytes != uint64(n) || r.Remote.Chunks != uint64(chunks) {
		t.Errorf("%d bytes: reported %+v, and progress %d times", n, r, progress)
	}
}

// A directory takes a file in under its own name; a path may be absolute.
func TestPutTargets(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{})
	s := d.dial(t, transport.Put)
	data := noise(10)
	tests := []struct{ target, want client.Target }{
		{client.Target{Export: "data"}, to("base")},
		{client.Target{Export: "data", Path: "sub"}, to("sub/base")},
		{client.Target{Export: "data", Path: "sub/"}, to("sub/base")},
		{client.Target{Path: d.dir}, to("base")},
		{client.Target{Path: d.dir + "/"}, to("base")},
		{client.Target{Path: d.dir + "/sub/../sub/n5"}, to("sub/n5")},
		{client.Target{Export: "data", Path: "no \xff UTF-8"}, to("no \xff UTF-8")},
	}
	for _, tt := range tests {
		r, err := put(t.Context(), t, s, data, tt.target, nil)
		if err != nil {
			t.Errorf("%+v: %v", tt.target, err)
			continue
		}
		path := filepath.Join(d.dir, tt.want.Path)
		holds(t, path, data)
		if r.Path != path && r.Path != filepath.Dir(path) {
			t.Errorf("%+v: says that it went to %q", tt.target, r.Path)
		}
		must(t, os.Remove(path))
	}
}

// What cannot be is refused with a fault that names the daemon's host, and the
// session serves the next transfer.
func TestRefused(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{})
	data := noise(10)
	must(t, os.WriteFile(filepath.Join(d.dir, "file"), data, 0o600))
	must(t, os.Symlink("../secret", filepath.Join(d.dir, "out")))
	must(t, os.Mkdir(filepath.Join(d.dir, "sub", "base"), 0o700))
	puts := []struct {
		target client.Target
		want   fault.Code
	}{
		{client.Target{Export: "ro", Path: "x"}, fault.ReadOnly},
		{client.Target{Path: d.ro + "/\xff"}, fault.ReadOnly},
		{client.Target{Export: "none", Path: "x"}, fault.NotExport},
		{client.Target{Export: "no\xffne", Path: "x"}, fault.NotExport},
		{client.Target{Path: "/etc/no\xffne"}, fault.NotExport},
		{client.Target{Path: d.dir + "-not"}, fault.NotExport},
		{client.Target{Path: d.dir + "/../secret"}, fault.NotExport},
		{client.Target{Export: "data", Path: "none/x"}, fault.NotFound},
		{client.Target{Export: "data", Path: "none/"}, fault.NotFound},
		{client.Target{Export: "data", Path: "file/x"}, fault.NotFound},
		{client.Target{Export: "data", Path: "file/"}, fault.NotRegular},
		{client.Target{Export: "data", Path: "sub"}, fault.NotRegular},
		{client.Target{Export: "data", Path: "../secret"}, fault.Usage},
		{client.Target{Export: "data", Path: "x\x00"}, fault.Usage},
		{client.Target{Path: "x"}, fault.Usage},
	}
	s := d.dial(t, transport.Put)
	for _, tt := range puts {
		_, err := put(t.Context(), t, s, data, tt.target, nil)
		if f := failsWith(t, err, tt.want); f.Host != "there" && tt.want != fault.Usage || f.What == "" || f.Why == nil {
			t.Errorf("%+v: poor fault %+v", tt.target, f)
		}
	}
	_, err := put(t.Context(), t, s, data, to("next"), nil)
	must(t, err)
	gets := []struct {
		target client.Target
		want   fault.Code
	}{
		{client.Target{Export: "data", Path: "none"}, fault.NotFound},
		{client.Target{Export: "data", Path: "non*"}, fault.NotFound},
		{client.Target{Export: "data", Path: "../secret"}, fault.Usage},
		{client.Target{Export: "data", Path: "../s*"}, fault.Usage},
		{client.Target{Path: d.outer + "/secret"}, fault.NotExport},
	}
	s = d.dial(t, transport.Get)
	for _, tt := range gets {
		_, _, err := get(t.Context(), t, s, tt.target, nil)
		failsWith(t, err, tt.want)
	}
	_, _, err = get(t.Context(), t, s, to("next"), nil)
	must(t, err)
	j := job(nil)
	j.Walk.Links = false // what a link leads to is not ours to give
	_, err = getTree(t.Context(), t, s, filepath.Join(t.TempDir(), "x"), j, to("out"))
	failsWith(t, err, fault.NotExport)
	j.Walk.Recursive = false
	_, err = getTree(t.Context(), t, s, filepath.Join(t.TempDir(), "x"), j, to("sub"))
	failsWith(t, err, fault.NotRegular)
	d.untouched(t)
	lists(t, d.dir, "file", "next", "out", "sub")
}

// A session carries one direction.
func TestWrongDirection(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{})
	must(t, os.WriteFile(filepath.Join(d.dir, "x"), noise(10), 0o600))
	s := d.dial(t, transport.Put)
	_, _, err := get(t.Context(), t, s, to("x"), nil)
	failsWith(t, err, fault.Internal)
	_, err = put(t.Context(), t, s, noise(20), to("x"), nil)
	must(t, err)
	_, err = put(t.Context(), t, d.dial(t, transport.Get), noise(30), to("x"), nil)
	failsWith(t, err, fault.Internal)
	holds(t, filepath.Join(d.dir, "x"), noise(20))
}

// Of two exports one inside the other, the inner decides.
func TestInnerExport(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{}, func(c *server.Config) {
		c.Exports[0].ReadOnly = true
		c.Exports = append(c.Exports, server.Export{Name: "inner", Path: filepath.Join(c.Exports[0].Path, "sub")})
	})
	_, err := put(t.Context(), t, d.dial(t, transport.Put), noise(1), client.Target{Path: d.dir + "/sub/x"}, nil)
	must(t, err)
	_, err = put(t.Context(), t, d.dial(t, transport.Put), noise(1), client.Target{Path: d.dir + "/x"}, nil)
	failsWith(t, err, fault.ReadOnly)
}

// Without digests the bytes come all the same, both ways.
func TestUnverified(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{})
	data := noise(10*chunk + 1)
	for _, direction := range []transport.Direction{transport.Put, transport.Get} {
		o := d.options(direction)
		o.Unverified = true
		s, err := client.Dial(t.Context(), o)
		must(t, err)
		if direction == transport.Put {
			_, err = put(t.Context(), t, s, data, to("x"), nil)
			must(t, err)
			holds(t, filepath.Join(d.dir, "x"), data)
		} else {
			local, _, err := get(t.Context(), t, s, to("x"), nil)
			must(t, err)
			holds(t, local, data)
		}
		must(t, s.Close())
	}
	// Where there is no digest nobody can see that bytes have changed: that is what
	// tells us that it is none.
	d = start(t, memory.Faults{CorruptAt: 3})
	o := d.options(transport.Put)
	o.Unverified = true
	s, err := client.Dial(t.Context(), o)
	must(t, err)
	r, err := put(t.Context(), t, s, data, to("x"), nil)
	must(t, err)
	must(t, s.Close())
	if got, err := os.ReadFile(filepath.Join(d.dir, "x")); err != nil || string(got) == string(data) || r.Retried != 0 {
		t.Errorf("a digest was computed: %+v, %v", r, err)
	}
}

func TestUnixSocket(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{})
	path := filepath.Join(t.TempDir(), "s")
	lis, err := net.Listen("unix", path)
	must(t, err)
	served := make(chan error, 1)
	go func() { served <- d.Serve(lis) }()
	o := d.options(transport.Put)
	o.Address = "unix:" + path
	s, err := client.Dial(t.Context(), o)
	must(t, err)
	_, err = put(t.Context(), t, s, noise(chunk), to("x"), nil)
	must(t, err)
	must(t, s.Close())
	must(t, s.Close())
	must(t, d.Close())
	must(t, <-served)
}
