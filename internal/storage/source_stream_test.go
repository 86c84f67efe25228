package storage

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

func openStream(t *testing.T, r io.Reader) (tree.SourceFile, tree.Source) {
	t.Helper()
	s := Stream(r, "-")
	var entry tree.Entry
	if err := s.Walk(t.Context(), func(e tree.Entry) error { entry = e; return nil }, nil); err != nil {
		t.Fatal(err)
	}
	if entry.ID != 1 || entry.Kind != tree.File || entry.Name != "-" || entry.Meta.Size != tree.Streamed || !entry.Meta.ModTime.IsZero() {
		t.Errorf("%+v", entry)
	}
	f, err := s.Open(entry)
	if err != nil {
		t.Fatal(err)
	}
	return f, s
}

// Chunks are handed out in the order of their offsets, whoever asks first.
func TestStream(t *testing.T) {
	t.Parallel()
	text := bytes.Repeat([]byte("0123456789"), 100)
	f, s := openStream(t, bytes.NewReader(text))
	got := make([]byte, 1100)
	done := make(chan int)
	for i := 10; i >= 0; i-- {
		go func() {
			n, err := f.ReadAt(got[i*100:(i+1)*100], int64(i*100))
			if i < 10 && (n != 100 || err != nil) || i == 10 && (n != 0 || !errors.Is(err, io.EOF)) {
				t.Errorf("chunk %d: %d, %v", i, n, err)
			}
			done <- i
		}()
	}
	for range 11 {
		<-done
	}
	if !bytes.Equal(got[:1000], text) {
		t.Error("it is not what was written")
	}
	if n, err := f.ReadAt(got, 5000); n != 0 || !errors.Is(err, io.EOF) {
		t.Error(n, err)
	}
	_, err := f.ReadAt(got, 0)
	wantFault(t, err, fault.Internal, "read before")
	_, err = s.Open(tree.Entry{})
	wantFault(t, err, fault.Internal, "twice")
	if err := errors.Join(f.Unchanged(), f.Close(), f.Close(), s.Remove(tree.Entry{})); err != nil {
		t.Error(err)
	}
}

func TestStreamEndsInAChunk(t *testing.T) {
	t.Parallel()
	f, _ := openStream(t, bytes.NewReader([]byte("abc")))
	b := make([]byte, 5)
	if n, err := f.ReadAt(b, 0); n != 3 || !errors.Is(err, io.EOF) {
		t.Error(n, err)
	}
	if n, err := f.ReadAt(b, 5); n != 0 || !errors.Is(err, io.EOF) {
		t.Error(n, err)
	}
}

func TestStreamClosed(t *testing.T) {
	t.Parallel()
	r, w := io.Pipe()
	f, _ := openStream(t, r)
	errs := make(chan error)
	for _, off := range []int64{0, 5} {
		go func() {
			_, err := f.ReadAt(make([]byte, 5), off)
			errs <- err
		}()
	}
	time.Sleep(10 * time.Millisecond)
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	for range 2 { // the one that waited for its turn, and the one that waited for bytes
		wantFault(t, <-errs, fault.Internal)
	}
	_ = w.Close()
}

// The end of the walk's context is the end of waiting for bytes.
func TestStreamEnded(t *testing.T) {
	t.Parallel()
	r, w := io.Pipe()
	s := Stream(r, "-")
	ctx, cancel := context.WithCancel(t.Context())
	if err := s.Walk(ctx, func(tree.Entry) error { return nil }, nil); err != nil {
		t.Fatal(err)
	}
	f, err := s.Open(tree.Entry{ID: 1})
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(10*time.Millisecond, cancel)
	_, err = f.ReadAt(make([]byte, 5), 0)
	wantFault(t, err, fault.Internal)
	_ = w.Close()
}

func TestStreamFails(t *testing.T) {
	t.Parallel()
	r, w := io.Pipe()
	f, _ := openStream(t, r)
	_ = w.CloseWithError(os.ErrPermission)
	_, err := f.ReadAt(make([]byte, 5), 0)
	wantFault(t, err, fault.Permission, "reading -")
}
