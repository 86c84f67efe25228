package rdmacp

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// begin adds a file of size bytes to a sink.
func begin(ctx context.Context, t *testing.T, s *stdoutSink, size int64) tree.Landing {
	t.Helper()
	e := tree.Entry{ID: 1, Name: "a", Kind: tree.File, Meta: tree.Meta{Size: size}}
	v := s.Add(ctx, e)
	if v.Answer != tree.Want {
		t.Fatalf("verdict %+v", v)
	}
	l, err := s.Open(e, v)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// Whatever the order in which chunks come, their bytes go out in order, and once.
func TestStdoutSinkInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const chunk, chunks = 10, 50
		want := make([]byte, chunk*chunks)
		for i := range want {
			want[i] = byte(rand.Uint32())
		}
		var out bytes.Buffer
		s := newStdoutSink(&out)
		l := begin(t.Context(), t, s, int64(len(want)))
		var all sync.WaitGroup
		for _, i := range rand.Perm(chunks) {
			all.Go(func() {
				r := tree.Range{Off: int64(i * chunk), Len: chunk}
				_, _ = l.WriteAt(make([]byte, chunk), r.Off) // what a retry overwrites
				_, _ = l.WriteAt(want[r.Off:r.End()], r.Off)
				l.Landed(r, transport.Digest{})
			})
		}
		all.Wait()
		l.Sealed(tree.Seal{ID: 1, Size: int64(len(want))})
		if errs := s.Commit(t.Context(), []tree.Landing{l}); errs[0] != nil {
			t.Error(errs[0])
		}
		if !bytes.Equal(out.Bytes(), want) {
			t.Error("the bytes are out of order")
		}
	})
}

// Who waits for a turn that never comes goes when the transfer ends.
func TestStdoutSinkEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var out bytes.Buffer
		s := newStdoutSink(&out)
		l := begin(ctx, t, s, 20)
		done := make(chan struct{})
		go func() {
			_, _ = l.WriteAt(make([]byte, 10), 10)
			l.Landed(tree.Range{Off: 10, Len: 10}, transport.Digest{})
			close(done)
		}()
		synctest.Wait()
		select {
		case <-done:
			t.Error("it was not its turn")
		default:
		}
		cancel()
		<-done
		if out.Len() > 0 {
			t.Error("bytes went out of order")
		}
	})
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestStdoutSinkRefuses(t *testing.T) {
	t.Parallel()
	s := newStdoutSink(brokenPipe{})
	if v := s.Add(t.Context(), tree.Entry{ID: 1, Kind: tree.Dir}); fault.CodeOf(v.Fault) != fault.NotRegular {
		t.Errorf("a directory: %+v", v)
	}
	l := begin(t.Context(), t, s, 10)
	if v := s.Add(t.Context(), tree.Entry{ID: 2, Kind: tree.File}); fault.CodeOf(v.Fault) != fault.Usage {
		t.Errorf("a second file: %+v", v)
	}
	_, _ = l.WriteAt(make([]byte, 10), 0)
	l.Landed(tree.Range{Len: 10}, transport.Digest{})
	if _, err := l.WriteAt(nil, 0); fault.CodeOf(err) != fault.IO {
		t.Errorf("writing on: %v", err)
	}
	if errs := s.Commit(t.Context(), []tree.Landing{l}); fault.CodeOf(errs[0]) != fault.IO {
		t.Errorf("committing: %v", errs)
	}
}
