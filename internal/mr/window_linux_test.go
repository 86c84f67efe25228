package mr

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rdmacp/rdmacp/internal/verbs"
)

// readRegion stands in for a *verbs.MR of memory that cannot be written.
type readRegion struct {
	fakeRegion
	sum int
}

func (r *readRegion) register(mem []byte, access verbs.Access) (region, error) {
	r.mem, r.access = mem, access
	return r, nil
}

func (r *readRegion) Close() error {
	if len(r.closeErr) > 0 {
		err := r.closeErr[0]
		r.closeErr = r.closeErr[1:]
		return err
	}
	r.sum += int(r.mem[0]) // it has to be mapped still
	r.closed++
	return nil
}

// plantFile returns a file of n bytes, and its content.
func plantFile(t *testing.T, n int) (*os.File, []byte) {
	t.Helper()
	content := make([]byte, n)
	for i := range content {
		content[i] = byte(i>>8 ^ i)
	}
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mustClose(t, f.Close) })
	return f, content
}

func raw(t *testing.T, f *os.File) syscall.RawConn {
	t.Helper()
	conn, err := f.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// mapWindow maps a part of a file and registers it.
func mapWindow(register registrar, budget *Budget, file syscall.RawConn, off int64, n int, access verbs.Access) (*Pages, *Window, error) {
	p, err := MapFile(file, off, n, access.Writes())
	if err != nil {
		return nil, nil, err
	}
	w, err := p.register(register, budget, off, n, access)
	if err != nil {
		return nil, nil, errors.Join(err, p.Close())
	}
	return p, w, nil
}

func TestWindow(t *testing.T) {
	t.Parallel()
	f, content := plantFile(t, 50_000)
	budget := &Budget{read: func() (limits, error) { return limits{memlock: 1 << 20}, nil }}
	for _, c := range []struct{ off, n int }{{0, 50_000}, {0, 1}, {4096, 4096}, {4095, 2}, {5000, 45_000}} {
		r := &readRegion{}
		p, w, err := mapWindow(r.register, budget, raw(t, f), int64(c.off), c.n, verbs.AccessRemoteRead)
		if err != nil {
			t.Fatal(err)
		}
		before := c.off % os.Getpagesize()
		if r.access != verbs.AccessRemoteRead || w.LKey() != 1 || w.RKey() != 2 || w.Addr(int64(c.off)) != fakeIOVA {
			t.Errorf("%+v: access %v, address %#x", c, r.access, w.Addr(int64(c.off)))
		}
		if budget.Reserved() != uint64(c.n+before) {
			t.Errorf("%+v: %d bytes reserved", c, budget.Reserved())
		}
		var got []byte
		if err := p.Read(int64(c.off), c.n, func(b []byte) { got = bytes.Clone(b) }); err != nil || !bytes.Equal(got, content[c.off:c.off+c.n]) {
			t.Errorf("%+v: other bytes, %v", c, err)
		}
		for _, c := range []func() error{w.Close, w.Close, p.Close, p.Close} {
			mustClose(t, c)
		}
		if r.closed != 1 || budget.Reserved() != 0 {
			t.Errorf("%+v: closed %d times, %d bytes reserved", c, r.closed, budget.Reserved())
		}
	}
}

// What is written to the file shows: nothing was copied.
func TestWindowShares(t *testing.T) {
	t.Parallel()
	f, _ := plantFile(t, 8192)
	w, err := MapFile(raw(t, f), 0, 8192, false)
	if err != nil {
		t.Fatal(err)
	}
	defer mustClose(t, w.Close)
	if _, err := f.WriteAt([]byte("news"), 4094); err != nil {
		t.Fatal(err)
	}
	var got string
	if err := w.Read(4094, 4, func(b []byte) { got = string(b) }); err != nil || got != "news" {
		t.Errorf("%q, %v", got, err)
	}
}

// A file that becomes shorter is an error, also in the middle of a function that
// is written in assembly.
func TestWindowGone(t *testing.T) {
	t.Parallel()
	f, _ := plantFile(t, 1<<20)
	w, err := MapFile(raw(t, f), 0, 1<<20, false)
	if err != nil {
		t.Fatal(err)
	}
	defer mustClose(t, w.Close)
	if err := f.Truncate(100_000); err != nil {
		t.Fatal(err)
	}
	var seen int
	for _, touch := range []func([]byte){
		func(b []byte) { seen += int(b[len(b)-1]) },
		func(b []byte) { seen += bytes.Count(b, []byte{7}) },
	} {
		if err := w.Read(0, 1<<20, touch); !errors.Is(err, ErrGone) {
			t.Errorf("got %v, want ErrGone", err)
		}
	}
	if err := w.Read(0, 100_000, func(b []byte) { seen += bytes.Count(b, []byte{7}) }); err != nil || seen == 0 {
		t.Error(seen, err)
	}
}

// Another panic is none of ours.
func TestWindowPanics(t *testing.T) {
	t.Parallel()
	f, _ := plantFile(t, 100)
	w, err := MapFile(raw(t, f), 0, 100, false)
	if err != nil {
		t.Fatal(err)
	}
	defer mustClose(t, w.Close)
	defer func() {
		if r := recover(); r != "mine" {
			t.Errorf("recovered %v", r)
		}
	}()
	_ = w.Read(0, 100, func([]byte) { panic("mine") })
}

func TestWindowFails(t *testing.T) {
	t.Parallel()
	f, _ := plantFile(t, 8193)
	budget := &Budget{read: func() (limits, error) { return limits{memlock: 8192}, nil }}
	for name, c := range map[string]struct {
		register registrar
		off      int64
		n        int
		why      string
	}{
		"nothing":      {(&readRegion{}).register, 0, 0, "cannot be mapped"},
		"ahead":        {(&readRegion{}).register, -1, 10, "cannot be mapped"},
		"behind":       {(&readRegion{}).register, 1 << 20, 10, "populating"},
		"over limit":   {(&readRegion{}).register, 0, 8193, "the limit for locked memory is 8 KiB"},
		"old kernel":   {refuse(syscall.EFAULT), 0, 8192, "registering 8 KiB: bad address"},
		"out of pages": {refuse(syscall.ENOMEM), 0, 8192, "the host or the device has no memory left"},
	} {
		_, _, err := mapWindow(c.register, budget, raw(t, f), c.off, c.n, 0)
		if err == nil || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v", name, err)
		}
		if budget.Reserved() != 0 {
			t.Errorf("%s: %d bytes reserved", name, budget.Reserved())
		}
	}
	r := &readRegion{fakeRegion: fakeRegion{closeErr: []error{syscall.EBUSY}}}
	p, w, err := mapWindow(r.register, budget, raw(t, f), 0, 8192, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer mustClose(t, p.Close)
	if err := w.Close(); !errors.Is(err, syscall.EBUSY) || budget.Reserved() == 0 {
		t.Errorf("%v, %d bytes reserved", err, budget.Reserved())
	}
	mustClose(t, w.Close)
}

// Parts of what is mapped are registered by themselves: not a byte more.
func TestWindowPart(t *testing.T) {
	t.Parallel()
	f, content := plantFile(t, 50_000)
	p, err := MapFile(raw(t, f), 5000, 40_000, false)
	if err != nil {
		t.Fatal(err)
	}
	defer mustClose(t, p.Close)
	for _, c := range []struct{ off, n int }{{5000, 40_000}, {4097, 1}, {12_345, 6789}} {
		r := &readRegion{}
		w, err := p.register(r.register, nil, int64(c.off), c.n, 0)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(r.mem, content[c.off:c.off+c.n]) || w.Addr(int64(c.off+c.n-1)) != fakeIOVA+uint64(c.n-1) {
			t.Errorf("%+v: %d bytes are registered, the last at %#x", c, len(r.mem), w.Addr(int64(c.off+c.n-1)))
		}
		mustClose(t, w.Close)
	}
	for _, c := range []struct{ off, n int }{{4095, 1}, {45_000, 1}, {44_999, 2}, {5000, 0}} {
		if _, err := p.register((&readRegion{}).register, nil, int64(c.off), c.n, 0); err == nil {
			t.Errorf("%+v was registered", c)
		}
	}
}
