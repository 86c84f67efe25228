package storage

import (
	"context"
	"errors"
	"fmt"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// ready finds out whether all is there and right.
func (it *item) ready(ctx context.Context) error {
	it.mu.Lock()
	defer it.mu.Unlock()
	if err := endedAt(ctx, "committing", it); err != nil {
		return err
	}
	switch f := it.sink.spoiled.Load(); {
	case f != nil:
		return f
	case it.seal == nil:
		return fault.New(fault.Internal, "committing "+it.shown(), errors.New("the source was not through with it"), "")
	case it.seal.Fault != nil:
		code := fault.CodeOf(it.seal.Fault)
		it.ruined = code == fault.SourceChanged || code == fault.Vanished
		return it.seal.Fault
	case it.seal.Size < 0 || it.entry.Meta.Size != tree.Streamed && it.seal.Size != it.entry.Meta.Size:
		it.ruined = true
		return changedFault("committing "+it.shown(), fmt.Errorf("its size went from %d to %d bytes", it.entry.Meta.Size, it.seal.Size))
	}
	if it.check {
		return it.verified()
	}
	err := it.complete()
	switch {
	case err != nil:
		return err
	case it.asIs:
		err = it.stands(ctx)
	case it.old != nil:
		err = it.old.unchanged(it.shown())
	}
	if err != nil {
		it.ruined = true
		return err
	}
	return it.digest()
}

// ranges is where the bytes of the file have to be.
func (it *item) ranges() []tree.Range {
	if it.entry.Meta.Size != tree.Streamed {
		return it.entry.Ranges()
	}
	if it.seal.Size == 0 {
		return nil
	}
	return []tree.Range{{Off: 0, Len: it.seal.Size}}
}

// complete fails unless every byte is there. Where the old file has them all, it
// stays; else the partial file gets what it lacks.
func (it *item) complete() error {
	var all tree.Ranges
	for _, have := range [...]*tree.Ranges{&it.there, &it.kept} {
		for _, r := range have.List() {
			all.Add(r)
		}
	}
	if missing := all.Without(it.ranges()); len(missing) > 0 {
		return fault.New(fault.Internal, "committing "+it.sink.place.shown(),
			fmt.Errorf("%d bytes of it have not landed, the first at %d", tree.RangesOf(missing).Bytes(), missing[0].Off), "")
	}
	if !it.begun.Load() && it.sink.file == nil && it.old != nil && it.old.first.size == it.seal.Size {
		same, err := it.old.blank(it.entry.Ranges())
		if err != nil {
			return it.sink.wrap("comparing", err)
		}
		if same {
			it.asIs = true
			return nil
		}
	}
	if err := it.begin(); err != nil {
		return err
	}
	return it.seals()
}

// seals ends all writing, and gives a file that came out of a pipe its size.
func (it *item) seals() error {
	it.sink.mu.Lock()
	it.sink.full = true
	it.sink.mu.Unlock()
	if it.journal.settle(); it.sink.spoiled.Load() != nil {
		return it.sink.spoiled.Load()
	}
	if it.entry.Meta.Size != tree.Streamed {
		return nil
	}
	it.sink.meta.Size = it.seal.Size
	err := it.sink.seam.do(stepResize, func() error { return it.sink.file.Truncate(it.seal.Size) })
	return it.sink.wrap("committing", err)
}
