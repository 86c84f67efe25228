package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// stands fails unless the old file stands at its name still and holds what Old has
// read. Where something has touched it since, it is read once more: that may have
// been this very copy, at another name of the same file.
func (it *item) stands(ctx context.Context) error {
	now, err := it.old.at(it.sink.place)
	if err == nil && !now.untouched(&it.old.first) {
		time.Sleep(time.Until(settled(now.changed)))
		if err = it.readAgain(ctx); err == nil {
			it.old.first = now
			now, err = it.old.at(it.sink.place)
		}
		if err == nil && !now.untouched(&it.old.first) {
			err = errors.New("it is being written to")
		}
	}
	if err == nil {
		return nil
	}
	if _, ok := fault.As(err); ok {
		return err
	}
	return fault.New(fault.IO, "comparing "+it.shown(), fmt.Errorf("someone else has touched it meanwhile: %w", err),
		"keep other programs away from it, and run the copy again")
}

// at returns the status of what stands at the old file's name, if that is the old
// file with as many bytes as it had.
func (o *oldFile) at(p *place) (status, error) {
	info, err := p.root.Lstat(p.leaf)
	if errors.Is(err, fs.ErrNotExist) {
		return status{}, errors.New("it is not there any more")
	}
	if err != nil {
		return status{}, wrap("looking at "+p.shown(), err)
	}
	now := statusOf(info)
	switch {
	case !now.same(&o.first) || !now.mode.IsRegular():
		return now, errors.New("it is another file now")
	case now.size != o.first.size:
		return now, fmt.Errorf("its size went from %d to %d bytes", o.first.size, now.size)
	}
	return now, nil
}

// untouched reports whether nothing at all has happened to a file.
func (st *status) untouched(first *status) bool {
	return st.modified.Equal(first.modified) && st.changed.Equal(first.changed)
}

// readAgain fails unless the old file holds what Old has read of it.
func (it *item) readAgain(ctx context.Context) error {
	for _, k := range it.keeps {
		if err := endedAt(ctx, "comparing", it); err != nil {
			return err
		}
		d, err := sumOf(it.old.file, k.Range)
		if err != nil {
			return it.wrap("comparing", err)
		}
		if d != k.digest {
			return fmt.Errorf("it holds something else now, at byte %d", k.Off)
		}
	}
	blank, err := it.old.blank(it.entry.Ranges())
	if err == nil && !blank {
		err = errors.New("it holds something else now, where the source has a hole")
	}
	return err
}

// dressKept sets all but the bytes of the old file. What that has changed of its
// status is no trace of others.
func (it *item) dressKept(ctx context.Context) error {
	if err := it.stands(ctx); err != nil {
		return err
	}
	p := it.sink.place
	err := it.store.apply(&subject{file: it.old.file, root: p.root, leaf: p.leaf, in: p.in, as: p.leaf}, &it.entry.Meta, it.mode)
	if err != nil {
		return err
	}
	info, err := it.old.file.Stat()
	if err != nil {
		return it.wrap("looking at", err)
	}
	it.old.first = statusOf(info)
	return nil
}
