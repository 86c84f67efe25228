package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// oldFile is the file that stands at the destination while another one lands, held
// open. A nil oldFile is none.
type oldFile struct {
	file  *os.File
	first status // as it was when it was opened

	mu   sync.Mutex
	sums map[tree.Range]transport.Digest // what was answered, until it is kept or not
}

// openOld opens the regular file that was seen at a place. One that cannot be read
// is none: everything is wanted then.
func openOld(p *place, seen fs.FileInfo) (*oldFile, error) {
	f, err := p.root.OpenFile(p.leaf, sourceFlags, 0)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, wrap("opening "+p.shown(), err)
	}
	info, err := f.Stat()
	if err != nil || !os.SameFile(info, seen) {
		_ = f.Close() // nothing was written to it
		return nil, wrap("opening "+p.shown(), err)
	}
	o := &oldFile{file: f, first: statusOf(info), sums: map[tree.Range]transport.Digest{}}
	time.Sleep(time.Until(settled(o.first.changed)))
	return o, nil
}

// Old returns the digest of what the destination's file holds at r.
func (l *landing) Old(r tree.Range) (transport.Digest, bool) {
	if l.old == nil || r.Off < 0 || r.Len < 0 || r.Len > l.old.first.size-r.Off {
		return transport.Digest{}, false
	}
	d, err := sumOf(l.old.file, r)
	if err != nil {
		return transport.Digest{}, false
	}
	l.old.mu.Lock()
	defer l.old.mu.Unlock()
	l.old.sums[r] = d
	return d, true
}

// answered returns what Old has said of r, and forgets it.
func (o *oldFile) answered(r tree.Range) (transport.Digest, bool) {
	if o == nil {
		return transport.Digest{}, false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	d, ok := o.sums[r]
	delete(o.sums, r)
	return d, ok
}

// Keep says that the old file is right at r.
func (l *landing) Keep(r tree.Range) {
	d, ok := l.old.answered(r)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state != landingOpen {
		return
	}
	if !ok {
		_ = l.sink.spoil("committing", fmt.Errorf("nobody has looked at the %d bytes at %d that are to be kept", r.Len, r.Off))
		return
	}
	l.kept.Add(r)
	if l.check {
		return
	}
	l.keeps = append(l.keeps, sum{r, d})
	if l.begun.Load() {
		_ = l.fill() // a failure keeps the file from being committed
	}
}

// fill copies what is kept of the old file into the partial file. L is locked.
func (l *landing) fill() error {
	for _, r := range l.kept.List() {
		err := l.store.seam.do(stepFill, func() error { return take(l.sink.file, l.old.file, r) })
		if err != nil {
			return l.sink.spoil("taking over what has not changed of", err)
		}
		l.there.Add(r)
	}
	for _, k := range l.keeps {
		l.right(k.Range, k.digest)
	}
	l.kept, l.keeps = tree.Ranges{}, nil
	return nil
}

// unchanged fails if the old file is not any more what Old has read.
func (o *oldFile) unchanged(path string) error {
	info, err := o.file.Stat()
	if err != nil {
		return wrap("looking at "+path, err)
	}
	now := statusOf(info)
	if why := now.differs(&o.first); why != nil {
		return fault.New(fault.IO, "comparing "+path, fmt.Errorf("someone else has written to it meanwhile: %w", why),
			"keep other programs away from it, and run the copy again")
	}
	return nil
}

// blank reports whether there are only zeros in the ranges that are left out of
// data: those are holes in the source.
func (o *oldFile) blank(data []tree.Range) (bool, error) {
	gaps := tree.RangesOf(data).Without([]tree.Range{{Off: 0, Len: o.first.size}})
	b := buffers.Get().(*[]byte)
	defer buffers.Put(b)
	for _, gap := range gaps {
		for gap.Len > 0 {
			gap = nextData(o.file, gap)
			part := (*b)[:min(gap.Len, int64(len(*b)))]
			if _, err := o.file.ReadAt(part, gap.Off); err != nil {
				return false, err
			}
			if !zeros(part) {
				return false, nil
			}
			gap.Off += int64(len(part))
			gap.Len -= int64(len(part))
		}
	}
	return true, nil
}

func zeros(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

func (o *oldFile) close() {
	if o != nil {
		_ = o.file.Close() // nothing was written to it
	}
}
