package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// Stream returns a source of one file called name, whose bytes come out of r, for
// as long as there are any. Its size is tree.Streamed. It can be opened once, and
// ReadAt has to be called for one range behind the other: who comes too early
// waits. R is not closed. Once the context of Walk has ended, nobody waits any
// more, for r neither: what was to be read into is then not to be used again.
func Stream(r io.Reader, name string) tree.Source {
	s := &stream{from: r, name: name}
	s.turn = sync.NewCond(&s.mu)
	return s
}

type stream struct {
	from io.Reader
	name string

	mu     sync.Mutex
	turn   *sync.Cond // next, err or closed has changed
	opened bool
	closed bool
	busy   bool  // somebody reads
	next   int64 // where the next byte belongs
	err    error // what ended the reading; io.EOF
}

// Walk implements tree.Source.
func (s *stream) Walk(ctx context.Context, yield func(tree.Entry) error, _ func(tree.Problem)) error {
	if err := ended(ctx, "reading "+shown(s.name)); err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { _ = s.Close() })
	return yield(tree.Entry{ID: 1, Name: s.name, Kind: tree.File, Meta: tree.Meta{Size: tree.Streamed, Mode: 0o644}})
}

// Open implements tree.Source.
func (s *stream) Open(tree.Entry) (tree.SourceFile, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.opened {
		return nil, s.wrong("it was opened before, and cannot be read twice")
	}
	s.opened = true
	return s, nil
}

// Remove implements tree.Source: there is nothing to be removed.
func (s *stream) Remove(tree.Entry) error { return nil }

// ReadAt implements tree.SourceFile.
func (s *stream) ReadAt(b []byte, off int64) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for (s.next < off || s.busy) && s.err == nil && !s.closed {
		s.turn.Wait()
	}
	switch {
	case s.closed:
		return 0, s.wrap(os.ErrClosed)
	case s.err != nil && off >= s.next:
		return 0, s.wrap(s.err)
	case off != s.next:
		return 0, s.wrong(fmt.Sprintf("byte %d was read before", off))
	}
	return s.read(b)
}

// read reads what comes next. A pipe may bring nothing for ever: the one who waits
// for it can leave, the call that reads cannot. S is locked.
func (s *stream) read(b []byte) (int, error) {
	var n int
	var err error
	done := false
	s.busy = true
	go func() {
		got, failure := io.ReadFull(s.from, b)
		if errors.Is(failure, io.ErrUnexpectedEOF) {
			failure = io.EOF
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		n, err, done = got, failure, true
		s.busy, s.next, s.err = false, s.next+int64(got), failure
		s.turn.Broadcast()
	}()
	for !done && !s.closed {
		s.turn.Wait()
	}
	if !done {
		return 0, s.wrap(os.ErrClosed)
	}
	return n, s.wrap(err)
}

// Unchanged implements tree.SourceFile: what came out of a pipe stays what it was.
func (s *stream) Unchanged() error { return nil }

// Close ends all waiting.
func (s *stream) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.turn.Broadcast()
	return nil
}

func (s *stream) wrap(err error) error {
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	return wrap("reading "+shown(s.name), err)
}

func (s *stream) wrong(why string) error {
	return fault.New(fault.Internal, "reading "+shown(s.name), errors.New(why), "")
}
