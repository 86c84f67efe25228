package transfer

import (
	"errors"
	"io"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// wholeDigest is the digest of a whole file, or why there is none.
type wholeDigest struct {
	sum []byte
	err error
}

// startDigest begins to take the digest of a whole file, beside the bundles that
// are read of it. G is locked, and its file open.
func (s *source) startDigest(g *given) {
	if s.options.Digest == tree.NoDigest || g.whole != nil || g.entry.Meta.Size == tree.Streamed {
		return
	}
	done := make(chan wholeDigest, 1)
	g.whole = done
	g.users++ // the file stays open
	file := stoppable{g.file, s.stop}
	s.hashing.Go(func() {
		var w wholeDigest
		defer func() {
			g.leave()
			done <- w
		}()
		defer fault.Caught(&w.err, "taking a digest")
		w.sum, w.err = s.options.Digest.Of(file, g.entry.Meta.Size)
	})
}

// wholeDigest waits for the digest of the whole file, if one is asked for.
func (g *given) wholeDigest() ([]byte, error) {
	g.mu.Lock()
	done := g.whole
	g.mu.Unlock()
	if done == nil {
		return nil, nil
	}
	w := <-done
	done <- w // for a bundle that is read again
	return w.sum, w.err
}

// stoppable is a file that cannot be read any more once the transfer is over.
type stoppable struct {
	io.ReaderAt
	stop <-chan struct{}
}

var errStopped = errors.New("the transfer is over")

// ReadAt is the file's.
func (f stoppable) ReadAt(p []byte, off int64) (int, error) {
	select {
	case <-f.stop:
		return 0, errStopped
	default:
		return f.ReaderAt.ReadAt(p, off)
	}
}
