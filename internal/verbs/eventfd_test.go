//go:build linux

package verbs

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pipe returns an eventFD of a pipe, a function that takes one byte of it, and its writing end.
func pipe(t *testing.T) (*eventFD, func() bool, *os.File) {
	t.Helper()
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	w := os.NewFile(uintptr(fds[1]), "w")
	e, err := newEventFD(fds[0], "pipe")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		e.close()
		_ = w.Close()
		// Closing the duplicate left the original, as the library's own close needs.
		if err := unix.Close(fds[0]); err != nil {
			t.Error("the original descriptor:", err)
		}
	})
	take := func() bool {
		n, _ := unix.Read(fds[0], make([]byte, 1))

		return n == 1
	}

	return e, take, w
}

func write(t *testing.T, w *os.File, n int) {
	t.Helper()
	if _, err := w.Write(make([]byte, n)); err != nil {
		t.Fatal(err)
	}
}

func TestEventFDWait(t *testing.T) {
	e, take, w := pipe(t)
	write(t, w, 2) // Two events and one edge of the poller.
	for range 2 {
		if err := e.wait(t.Context(), "op", take); err != nil {
			t.Fatal(err)
		}
	}
	time.AfterFunc(10*time.Millisecond, func() { write(t, w, 1) })
	if err := e.wait(t.Context(), "op", take); err != nil {
		t.Fatal(err)
	}
}

func TestEventFDCancel(t *testing.T) {
	e, take, w := pipe(t)
	done, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	for range 2 { // The second finds it canceled before it waits.
		if err := e.wait(done, "op", take); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
	}
	late, stop := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer stop()
	if err := e.wait(late, "op", take); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	write(t, w, 1)
	if err := e.wait(t.Context(), "op", take); err != nil {
		t.Fatal("after the cancels:", err)
	}
}

func TestEventFDKeepsEventThatRacesWithCancel(t *testing.T) {
	e, take, w := pipe(t)
	done, cancel := context.WithCancel(t.Context())
	write(t, w, 1)
	err := e.wait(done, "op", func() bool {
		cancel()
		time.Sleep(10 * time.Millisecond) // Let the deadline be set.

		return take()
	})
	if err != nil {
		t.Fatalf("the event that was read is lost: %v", err)
	}
	write(t, w, 1)
	if err := e.wait(t.Context(), "op", take); err != nil {
		t.Fatal("the deadline stayed:", err)
	}
}

func TestEventFDClose(t *testing.T) {
	e, take, _ := pipe(t)
	var wg sync.WaitGroup
	for range 3 { // One waits and two queue.
		wg.Go(func() {
			if err := e.wait(t.Context(), "op", take); !errors.Is(err, ErrClosed) {
				t.Errorf("got %v", err)
			}
		})
	}
	time.Sleep(10 * time.Millisecond)
	e.close()
	wg.Wait()
	e.close()
	if err := e.wait(t.Context(), "op", take); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func TestEventFDQueuedWaiterCanBeCanceled(t *testing.T) {
	e, take, w := pipe(t)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := e.wait(context.Background(), "op", take); err != nil {
			t.Error(err)
		}
	})
	for len(e.turn) == 0 {
		time.Sleep(time.Millisecond)
	}
	late, stop := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer stop()
	if err := e.wait(late, "op", take); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	write(t, w, 1)
	wg.Wait()
}

func TestEventFDRefusesWhatCannotBePolled(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "plain"))
	if err != nil {
		t.Fatal(err)
	}
	fd := int(f.Fd())
	defer func() { _ = f.Close() }()
	if _, err := newEventFD(fd, "plain"); err == nil {
		t.Error("a plain file can't be waited for")
	}
	if _, err := newEventFD(-1, "nothing"); !errors.Is(err, unix.EBADF) {
		t.Errorf("got %v", err)
	}
}
