package tree

import (
	"context"
	"io"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// Source is the trees that are sent. Package storage has the real one.
type Source interface {
	// Walk calls yield with each entry, numbered from 1 on, a directory ahead of
	// what it holds, from one goroutine. What cannot be read goes to problem and
	// is left out. It returns what yield returned, or what ended ctx.
	Walk(ctx context.Context, yield func(Entry) error, problem func(Problem)) error

	// Open opens a File that Walk has yielded. It is a fault of code
	// SourceChanged, or Vanished, if it is not the file any more that Walk has seen. It may be
	// called from any goroutine, during Walk and after, and more than once.
	Open(e Entry) (SourceFile, error)

	// Remove removes a File that Walk has yielded, if it is the same still.
	Remove(e Entry) error
}

// SourceFile is an open file of a Source.
type SourceFile interface {
	// ReadAt reads from any goroutine. Where the file has become shorter, it is
	// a fault of code SourceChanged.
	io.ReaderAt

	// Unchanged returns nil if all that was read until now is what the file held
	// when Walk has seen it, and else a fault of code SourceChanged.
	Unchanged() error

	Close() error
}

// Sink is where the trees go. Package storage has the real one.
type Sink interface {
	// Add takes the next entry, in the order of their numbers, from one
	// goroutine. Directories are made at once; links are noted until Finish, unless there are
	// very many.
	Add(ctx context.Context, e Entry) Verdict

	// Open starts a File whose Verdict was Want. It may be called from any
	// goroutine.
	Open(e Entry, v Verdict) (Landing, error)

	// Commit puts files into place whose bytes have all landed, and returns what
	// became of each. Whatever the outcome, they are closed. Where it says nil, the
	// file is there and will be after a crash.
	Commit(ctx context.Context, ls []Landing) []error

	// Finish does what has to come last: links, the times of directories, and, if
	// nothing went wrong, what is to be deleted.
	Finish(ctx context.Context, clean bool, n Notes) error
}

// Notes is where a Sink tells of what it does at the end. Paths are relative to
// where the copy lands.
type Notes struct {
	Problem func(p Problem)
	Removed func(path string) // what was deleted, or would have been
}

// Landing is a file of a Sink in the making. Its methods may be called from any
// goroutine.
type Landing interface {
	// WriteAt writes bytes whose digest is not known to be right yet. They may be
	// written again.
	io.WriterAt

	// Landed says that the bytes that were written at r are right. D is their
	// digest.
	Landed(r Range, d transport.Digest)

	// Old returns the digest of what the destination's file holds at r now, and
	// whether it holds all of r. Where that is what the source has, the caller
	// calls Keep instead of WriteAt and Landed.
	Old(r Range) (transport.Digest, bool)

	// Keep says that what the destination's file holds at r is right.
	Keep(r Range)

	// Sealed says that the source is through with the file; it is called once,
	// ahead of Commit.
	Sealed(s Seal)

	// Close gives up a file that was not committed. What an earlier or this run
	// has brought stays if it is worth resuming, unless forget says that it is of
	// no use any more.
	Close(forget bool) error
}

// Seal is the source's last word on a file: all was read, and it did not change.
type Seal struct {
	ID    int64
	Size  int64  // what was read; the entry's size unless that is Streamed
	Whole []byte // the digest of the whole file, where one was asked for
	Fault error  // not nil: the file is not to be committed; a *fault.Error
}
