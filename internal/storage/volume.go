package storage

import (
	"context"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// Volume is the file system that a directory lies on, as far as a copy depends on it.
type Volume struct {
	Kind     string // as mount(8) calls it; empty: not known
	ReadOnly bool   // nothing can be changed there
	Memory   bool   // files live in the page cache, and nowhere else
	Reserves bool   // a file's room is taken before its bytes come
	Known    bool   // whether Free is
	Free     uint64 // bytes, for this user

	// What Try has found out.
	Untried  string        // why nothing was written after all; empty: it was
	Buffered string        // why a CPU has to copy what is written; empty: it has not
	Wrote    int64         // bytes
	Took     time.Duration // to write them, until they were on the disk
}

// Rate is how many bytes a second were written; 0 if none were.
func (v Volume) Rate() float64 {
	if v.Wrote == 0 || v.Took <= 0 {
		return 0
	}
	return float64(v.Wrote) / v.Took.Seconds()
}

// What Try writes at most, and in what time. A disk that is slower than a block in that
// time is waited for, once.
const (
	tryBlock = 1 << 20
	tryBytes = 64 * tryBlock
	tryTime  = 250 * time.Millisecond
)

// Volume looks at the file system of the directory, and changes nothing.
func (d *Dir) Volume() (Volume, error) {
	f, err := d.root.Open(".")
	if err != nil {
		return Volume{}, wrap("opening the directory "+shown(d.path), err)
	}
	defer func() { _ = f.Close() }()
	v, err := volumeOf(f)
	if err == nil {
		v.Free, v.Known, err = freeSpace(f)
	}
	if err != nil {
		return v, wrap("looking at the file system of "+shown(d.path), err)
	}
	return v, nil
}

// Try is Volume, and writes as copies do to a file that has no name and is gone at once:
// 64 MiB at most, for a quarter of a second. Where there are no such files, or room is
// short, it writes nothing.
func (d *Dir) Try(ctx context.Context) (Volume, error) {
	v, err := d.Volume()
	if err != nil {
		return v, err
	}
	switch {
	case v.ReadOnly:
		v.Untried = "it is read-only"
	case v.Known && v.Free < 2*tryBytes:
		v.Untried = "too little is free"
	default:
		d.try(ctx, &v)
	}
	return v, nil
}

// try makes the file.
func (d *Dir) try(ctx context.Context, v *Volume) {
	f, err := d.nameless()
	if err != nil {
		v.Untried = reason(err)
		if cannotMake(err) {
			v.Untried = "there are no files without a name: " + v.Untried
		}
		return
	}
	defer func() { _ = f.Close() }()
	if v.Memory {
		return // there is no disk to be waited for
	}
	if err = f.Truncate(tryBytes); err == nil {
		err = preallocate(f, tryBytes)
	}
	if !matters(err) {
		s := &Sink{file: f, meta: Meta{Size: tryBytes}, place: &place{path: shown(d.path)}}
		defer s.past.close()
		err = s.measure(ctx, v)
	}
	if err != nil {
		v.Untried = reason(err)
	}
}

// reason is why something failed, without what.
func reason(err error) string {
	if f, ok := fault.As(wrap("", err)); ok {
		return f.Why.Error()
	}
	return err.Error()
}

// measure writes blocks until it has written enough, or for long enough. What goes by the
// page cache is brought to the disk block by block, so that there is never much of it.
func (s *Sink) measure(ctx context.Context, v *Volume) error {
	block := make([]byte, tryBlock) // of the heap's large ones, which begin where pages do
	begun := time.Now()
	for v.Wrote < tryBytes && v.Took < tryTime && ctx.Err() == nil {
		m, err := s.WriteDirect(block, v.Wrote)
		if err == nil && m.Direct < len(block) {
			v.Buffered = m.Why
			err = s.file.Sync()
		}
		if err != nil {
			return err
		}
		v.Wrote += int64(len(block))
		v.Took = time.Since(begun)
	}
	err := s.file.Sync()
	v.Took = time.Since(begun)
	return err
}
