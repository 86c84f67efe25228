package transfer_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// pace is how slow a disk is.
type pace struct {
	seed  uint64
	delay time.Duration
}

// wait takes the time of an access, which depends on the place only.
func (p pace) wait(id, off int64) {
	rng := rand.New(rand.NewPCG(p.seed, uint64(id)<<32^uint64(off)*31+17))
	time.Sleep(time.Duration(1 + rng.Int64N(int64(p.delay))))
}

// disk is where a sink's files go. What stands here outlives a crash.
type disk struct {
	files    map[string]stored
	partials map[string]partial
}

func newDisk() *disk { return &disk{files: map[string]stored{}, partials: map[string]partial{}} }

// clone returns a disk that holds the same.
func (d *disk) clone() *disk { return &disk{maps.Clone(d.files), maps.Clone(d.partials)} }

// stored is a file in place.
type stored struct {
	data []byte
	meta tree.Meta
}

// partial is a file that is not complete, with its journal.
type partial struct {
	data []byte
	meta tree.Meta // of the source
	have []tree.Range
}

// plot is a sink over a disk, for one run.
type plot struct {
	slow    pace
	trouble map[int64]trouble
	delta   bool

	mu       sync.Mutex
	disk     *disk
	dead     bool // the host has lost power: nothing reaches the disk any more
	paths    tree.Paths
	names    map[int64]string
	finished bool
	clean    bool
	live     map[*landing]struct{}
	filled   int // those of them that bundles bring
	most     int // of filled
	resumed  int64
}

func newPlot(d *disk, slow pace, t map[int64]trouble, delta bool) *plot {
	return &plot{slow: slow, trouble: t, delta: delta, disk: d, names: map[int64]string{}, live: map[*landing]struct{}{}}
}

// crash takes the power away.
func (p *plot) crash() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dead = true
}

// close gives up what is not in place, and returns how much that was.
func (p *plot) close() int {
	p.mu.Lock()
	left := slices.Collect(maps.Keys(p.live))
	p.mu.Unlock()
	for _, l := range left {
		_ = l.Close(false)
	}
	return len(left)
}

// Add wants whatever is not in place.
func (p *plot) Add(_ context.Context, e tree.Entry) tree.Verdict {
	p.mu.Lock()
	defer p.mu.Unlock()
	path := p.paths.Of(e).String()
	p.names[e.ID] = path
	if e.Kind != tree.File {
		return tree.Verdict{Answer: tree.Done, Change: tree.New}
	}
	old, exists := p.disk.files[path]
	if exists && old.meta.Size == e.Meta.Size && old.meta.ModTime.Equal(e.Meta.ModTime) {
		return tree.Verdict{Answer: tree.Done}
	}
	v := tree.Verdict{Answer: tree.Want, Change: tree.New, Ranges: e.Ranges(), Compare: exists && p.delta}
	if part, ok := p.disk.partials[path]; ok {
		if part.meta.Inode != e.Meta.Inode || part.meta.Size != e.Meta.Size {
			v.Restarted = "it is another file"
			delete(p.disk.partials, path)
			return v
		}
		have := tree.RangesOf(part.have)
		v.Ranges, v.Resumed = have.Without(e.Ranges()), have.Bytes()
		p.resumed += v.Resumed
	}
	return v
}

// Open starts a file from what its partial holds.
func (p *plot) Open(e tree.Entry, v tree.Verdict) (tree.Landing, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := &landing{plot: p, entry: e, path: p.names[e.ID], data: make([]byte, e.Meta.Size)}
	if v.Resumed > 0 {
		part := p.disk.partials[l.path]
		copy(l.data, part.data)
		l.have = *tree.RangesOf(part.have)
	}
	if v.Compare {
		l.old = p.disk.files[l.path].data
	}
	p.live[l] = struct{}{}
	if l.brought = len(v.Ranges) > 0; l.brought {
		p.filled++
		p.most = max(p.most, p.filled)
	}
	return l, nil
}

// Commit puts files into place after a while, those that can be.
func (p *plot) Commit(ctx context.Context, ls []tree.Landing) []error {
	errs := make([]error, len(ls))
	for i, x := range ls {
		l := x.(*landing)
		p.slow.wait(l.entry.ID, -1)
		errs[i] = ctx.Err()
		if errs[i] == nil {
			errs[i] = l.commit()
		} else {
			_ = l.Close(false)
		}
	}
	return errs
}

// Finish notes that it was called.
func (p *plot) Finish(_ context.Context, clean bool, _ tree.Notes) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.finished, p.clean = true, clean
	return nil
}

// landing is a file in the making, in memory until it is flushed.
type landing struct {
	plot   *plot
	entry  tree.Entry
	path   string
	old    []byte
	sealed bool

	brought bool // bundles bring some of it

	mu   sync.Mutex
	data []byte
	have tree.Ranges
	over bool
}

// WriteAt writes.
func (l *landing) WriteAt(b []byte, off int64) (int, error) {
	l.plot.slow.wait(l.entry.ID, off)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch l.plot.trouble[l.entry.ID] { //nolint:exhaustive // the others are no matter here
	case rawError:
		return 0, errRaw
	case ioFault:
		return 0, fault.New(fault.IO, "writing it", errRaw, "")
	case shortWrite:
		return copy(l.data[off:], b[:len(b)/2]), nil
	case noSpace:
		copy(l.data[off:], b[:len(b)/2])
		return len(b) / 2, fault.New(fault.NoSpace, "writing it", errRaw, "")
	}
	if l.over {
		return 0, errRaw
	}
	return copy(l.data[off:], b), nil
}

// Landed flushes what has landed now and then.
func (l *landing) Landed(r tree.Range, _ transport.Digest) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.have.Add(r)
	rng := rand.New(rand.NewPCG(l.plot.slow.seed, uint64(r.Off)*7+uint64(l.entry.ID)))
	if rng.IntN(3) == 0 && !l.over {
		l.flush()
	}
}

// flush makes what has landed durable.
func (l *landing) flush() {
	l.plot.mu.Lock()
	defer l.plot.mu.Unlock()
	if l.plot.dead || l.have.Bytes() == 0 {
		return
	}
	safe := make([]byte, len(l.data))
	for _, r := range l.have.List() {
		copy(safe[r.Off:r.End()], l.data[r.Off:r.End()])
	}
	l.plot.disk.partials[l.path] = partial{safe, l.entry.Meta, slices.Clone(l.have.List())}
}

// Old is the digest of what is in place.
func (l *landing) Old(r tree.Range) (transport.Digest, bool) {
	if r.End() > int64(len(l.old)) {
		return transport.Digest{}, false
	}
	return transport.Sum(l.old[r.Off:r.End()]), true
}

// Keep copies what is in place.
func (l *landing) Keep(r tree.Range) {
	l.mu.Lock()
	defer l.mu.Unlock()
	copy(l.data[r.Off:r.End()], l.old[r.Off:r.End()])
	l.have.Add(r)
}

// Sealed notes the end.
func (l *landing) Sealed(tree.Seal) { l.sealed = true }

// commit puts the file into place.
func (l *landing) commit() error {
	defer l.end()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.sealed || len(l.have.Without(l.entry.Ranges())) > 0 {
		return fault.New(fault.Internal, "committing "+l.path, fmt.Errorf("sealed %v, %v missing", l.sealed, l.have.Without(l.entry.Ranges())), "")
	}
	if l.plot.trouble[l.entry.ID] == noCommit {
		return fault.New(fault.IO, "committing "+l.path, errRaw, "")
	}
	l.plot.mu.Lock()
	defer l.plot.mu.Unlock()
	if !l.plot.dead {
		l.plot.disk.files[l.path] = stored{slices.Clone(l.data), l.entry.Meta}
		delete(l.plot.disk.partials, l.path)
	}
	return nil
}

// Close leaves what can be resumed.
func (l *landing) Close(forget bool) error {
	l.mu.Lock()
	if !l.over && !forget {
		l.flush()
	}
	l.mu.Unlock()
	l.end()
	l.plot.mu.Lock()
	defer l.plot.mu.Unlock()
	if forget && !l.plot.dead {
		delete(l.plot.disk.partials, l.path)
	}
	return nil
}

// end ends the landing.
func (l *landing) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.over {
		l.over = true
		l.plot.mu.Lock()
		delete(l.plot.live, l)
		if l.brought {
			l.plot.filled--
		}
		l.plot.mu.Unlock()
	}
}
