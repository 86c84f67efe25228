package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"sync"
	"syscall"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// grove is a source's trees.
type grove struct {
	slow    pace
	entries []tree.Entry
	paths   map[int64]string
	data    map[int64][]byte
	trouble map[int64]trouble // what is wrong with a file
	problem []tree.Problem    // what the walk cannot read

	mu    sync.Mutex
	open  int                   // files that are open
	loads map[tree.Range]uint64 // of ranges of files that are written to
}

// trouble is what goes wrong with one file.
type trouble int

const (
	healthy    trouble = iota
	rawError           // an error that storage didn't class
	ioFault            //
	noSpace            // sink only
	shortWrite         // sink only: less is written, and nothing is said of it
	shortRead          // source only: the file has become shorter
	changes            // source only: it is changed while it is read
	torn               // source only: its pages are written to under way, and back again
	gone               // source only: it is gone when it is opened
	noCommit           // sink only: it cannot be put into place
	unreadable         // source only: the walk cannot read it
)

// grow makes trees of some directories, a few large files, many small ones and
// links.
func grow(rng *rand.Rand, chunk int, slow pace) *grove {
	g := &grove{slow: slow, paths: map[int64]string{}, data: map[int64][]byte{}, loads: map[tree.Range]uint64{}, trouble: map[int64]trouble{}}
	dirs := []int64{0}
	n := rng.IntN(30)
	if rng.IntN(6) == 0 {
		n = rng.IntN(300)
	}
	for i := range n {
		e := tree.Entry{ID: int64(i + 1), Parent: dirs[rng.IntN(len(dirs))], Name: fmt.Sprintf("n%d", i)}
		e.Meta.ModTime = time.Unix(rng.Int64N(1e9), rng.Int64N(1e9))
		e.Meta.Mode, e.Meta.Inode = fs.FileMode(rng.IntN(0o1000)), rng.Uint64()
		switch k := rng.IntN(20); {
		case k < 3:
			e.Kind = tree.Dir
			dirs = append(dirs, e.ID)
		case k < 4:
			e.Kind, e.Link = tree.Symlink, "anywhere"
		default:
			g.plant(rng, &e, chunk)
		}
		g.entries = append(g.entries, e)
		g.paths[e.ID] = e.Name
		if dir, ok := g.paths[e.Parent]; ok {
			g.paths[e.ID] = dir + "/" + e.Name
		}
	}
	return g
}

// plant makes a file.
func (g *grove) plant(rng *rand.Rand, e *tree.Entry, chunk int) {
	e.Kind = tree.File
	size := 0
	switch rng.IntN(6) {
	case 0: // empty
	case 1:
		size = rng.IntN(20 * chunk)
	case 2:
		size = rng.IntN(3*chunk + 1)
	default:
		size = rng.IntN(chunk/4 + 1)
	}
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(e.Meta.Inode + uint64(i)*uint64(i)>>3)
	}
	g.data[e.ID], e.Meta.Size = data, int64(size)
	if size > 0 && rng.IntN(8) == 0 { // with a hole
		off := rng.IntN(size)
		hole := 1 + rng.IntN(size-off)
		clear(data[off : off+hole])
		e.Data = tree.RangesOf([]tree.Range{{Off: 0, Len: int64(off)}, {Off: int64(off + hole), Len: int64(size - off - hole)}}).List()
		if e.Data == nil {
			e.Data = []tree.Range{}
		}
	}
}

// files are the IDs of the files that the walk finds.
func (g *grove) files() []int64 {
	var ids []int64
	for _, e := range g.entries {
		if e.Kind == tree.File {
			ids = append(ids, e.ID)
		}
	}
	return ids
}

// Walk yields the entries.
func (g *grove) Walk(ctx context.Context, yield func(tree.Entry) error, problem func(tree.Problem)) error {
	for _, p := range g.problem {
		problem(p)
	}
	for _, e := range g.entries {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := yield(e); err != nil {
			return err
		}
	}
	return nil
}

// Open opens a file.
func (g *grove) Open(e tree.Entry) (tree.SourceFile, error) {
	if g.trouble[e.ID] == gone {
		return nil, fault.New(fault.SourceChanged, "opening it", errRaw, "")
	}
	g.mu.Lock()
	g.open++
	g.mu.Unlock()
	return &leaf{grove: g, id: e.ID}, nil
}

// Remove is not simulated.
func (g *grove) Remove(tree.Entry) error { return nil }

// leaf is an open file.
type leaf struct {
	grove  *grove
	id     int64
	closed bool
}

var errRaw = errors.New("not classed by anyone")

// ReadAt takes a time that depends on the place only.
func (l *leaf) ReadAt(b []byte, off int64) (int, error) {
	l.grove.slow.wait(l.id, off)
	data := l.grove.data[l.id]
	switch l.grove.trouble[l.id] { //nolint:exhaustive // the others are no matter here
	case rawError:
		return 0, errRaw
	case ioFault:
		return 0, fault.New(fault.IO, "reading it", errRaw, "")
	case shortRead:
		return len(b) / 2, fault.New(fault.SourceChanged, "reading it", io.ErrUnexpectedEOF, "")
	}
	n := copy(b, data[off:])
	if n < len(b) || off+int64(n) == int64(len(data)) {
		return n, io.EOF
	}
	return n, nil
}

// SyscallConn makes a leaf one that has pages. Nobody asks for its descriptor.
func (l *leaf) SyscallConn() (syscall.RawConn, error) { return nil, errRaw }

// Load implements memory.Mapped. Of what is written to, every other look at a range
// shows something else.
func (l *leaf) Load(b []byte, off int64) error {
	g := l.grove
	switch g.trouble[l.id] { //nolint:exhaustive // the others are no matter here
	case rawError, ioFault, shortRead:
		return errRaw
	case torn, changes:
		g.mu.Lock()
		defer g.mu.Unlock()
		at := tree.Range{Off: l.id, Len: off}
		g.loads[at]++
		copy(b, g.data[l.id][off:])
		b[0] ^= byte((g.loads[at] - 1) & 1)
		return nil
	}
	copy(b, g.data[l.id][off:])
	return nil
}

// Unchanged says so, unless the file is one that changes.
func (l *leaf) Unchanged() error {
	if l.grove.trouble[l.id] == changes {
		return fault.New(fault.SourceChanged, "reading it", errRaw, "")
	}
	return nil
}

// Close closes the file.
func (l *leaf) Close() error {
	l.grove.mu.Lock()
	defer l.grove.mu.Unlock()
	if !l.closed {
		l.grove.open--
	}
	l.closed = true
	return nil
}
