// Package blank is a source and a sink without files, for measuring all that lies
// between: what is read is whatever the memory of a slot holds, and what is written is
// forgotten. No CPU copies a byte.
package blank

import (
	"context"
	"fmt"
	"io"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// Source is a tree of one file of that many bytes. It is a tree.Source.
type Source int64

var _ tree.Source = Source(0)

// Walk yields the file.
func (s Source) Walk(_ context.Context, yield func(tree.Entry) error, _ func(tree.Problem)) error {
	return yield(tree.Entry{ID: 1, Name: "blank", Kind: tree.File, Meta: tree.Meta{Size: int64(s), Mode: 0o600}})
}

// Open opens it.
func (s Source) Open(tree.Entry) (tree.SourceFile, error) { return file(s), nil }

// Remove has nothing to do.
func (Source) Remove(tree.Entry) error { return nil }

// Close has nothing to do.
func (Source) Close() error { return nil }

type file int64

var _ transport.DirectReader = file(0)

// ReadDirect leaves p as it is.
func (f file) ReadDirect(p []byte, off int64) (transport.Moved, error) {
	if n := int64(f) - off; n < int64(len(p)) {
		return transport.Moved{Bytes: int(max(0, n))}, io.EOF
	}
	return transport.Moved{Bytes: len(p)}, nil
}

// ReadAt leaves p as it is.
func (f file) ReadAt(p []byte, off int64) (int, error) {
	m, err := f.ReadDirect(p, off)
	return m.Bytes, err
}

// Unchanged returns nil.
func (file) Unchanged() error { return nil }

// Close has nothing to do.
func (file) Close() error { return nil }

// Sink takes one file and forgets it. It is a tree.Sink.
type Sink struct{}

var _ tree.Sink = Sink{}

// Add wants all of a file of known size. A peer sends e: anything else is refused.
func (Sink) Add(_ context.Context, e tree.Entry) tree.Verdict {
	if e.Kind != tree.File || e.Meta.Size <= 0 {
		return tree.Verdict{ID: e.ID, Answer: tree.Fail, Fault: fault.New(fault.Protocol, "taking blank bytes",
			fmt.Errorf("%v %d of %d bytes is no file to measure by", e.Kind, e.ID, e.Meta.Size), "")}
	}
	return tree.Verdict{ID: e.ID, Answer: tree.Want, Change: tree.New, Ranges: []tree.Range{{Off: 0, Len: e.Meta.Size}}}
}

// Open starts a file.
func (Sink) Open(tree.Entry, tree.Verdict) (tree.Landing, error) { return landing{}, nil }

// Commit has nothing to do.
func (Sink) Commit(_ context.Context, ls []tree.Landing) []error { return make([]error, len(ls)) }

// Finish has nothing to do.
func (Sink) Finish(context.Context, bool, tree.Notes) error { return nil }

// Path is empty.
func (Sink) Path() string { return "" }

// Close has nothing to do.
func (Sink) Close() error { return nil }

type landing struct{}

var _ transport.DirectWriter = landing{}

// WriteDirect forgets p.
func (landing) WriteDirect(p []byte, _ int64) (transport.Moved, error) {
	return transport.Moved{Bytes: len(p)}, nil
}

// WriteAt forgets p.
func (landing) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }

// Landed has nothing to do.
func (landing) Landed(tree.Range, transport.Digest) {}

// Old has nothing.
func (landing) Old(tree.Range) (transport.Digest, bool) { return transport.Digest{}, false }

// Keep is never called.
func (landing) Keep(tree.Range) {}

// Sealed has nothing to do.
func (landing) Sealed(tree.Seal) {}

// Close has nothing to do.
func (landing) Close(bool) error { return nil }
