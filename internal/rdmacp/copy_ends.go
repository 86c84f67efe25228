package rdmacp

import (
	"io"

	"github.com/rdmacp/rdmacp/internal/storage"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// source is a tree.Source that is to be closed.
type source interface {
	tree.Source
	io.Closer
}

// openSource opens what is sent from this host.
func (a *app) openSource(w *watch) source {
	if !w.job.piped {
		starts := make([]storage.Start, 0, len(w.job.sources))
		for _, s := range w.job.sources {
			starts = append(starts, storage.Start{Path: s.arg})
		}
		return storage.NewWalker(starts, w.plan.walk)
	}
	in := a.io.Stdin
	if h := w.plan.land.Digest.New(); h != nil {
		in = io.TeeReader(in, h) // it goes by once only
		w.piped = func() []byte { return h.Sum(nil) }
	}
	return unclosed{storage.Stream(in, w.as)}
}

// unclosed is a source for which there is nothing to close.
type unclosed struct{ tree.Source }

// Close does nothing.
func (unclosed) Close() error { return nil }

// sink is a tree.Sink that is to be closed.
type sink interface {
	tree.Sink
	io.Closer
	Path() string
}

// openSink opens where a copy lands on this host.
func (a *app) openSink(w *watch) (sink, error) {
	if w.job.piped {
		return newStdoutSink(a.bytes), nil
	}
	s, err := storage.Land(w.job.dst.arg, w.job.naming, w.job.several, w.plan.land)
	if err != nil {
		return nil, err // not s, which would not be nil as a sink
	}
	w.goesOn = s.GoesOn
	return s, nil
}
