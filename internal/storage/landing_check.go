package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// verified is the outcome of a comparison.
func (it *item) verified() error {
	what := "comparing " + it.sink.place.shown()
	missing := it.kept.Without(it.ranges())
	if it.old == nil {
		return fault.New(fault.Integrity, what, errors.New("the content differs: the file is not there any more, or cannot be read"), "copy it again")
	}
	if len(missing) > 0 || it.old.first.size != it.seal.Size {
		return fault.New(fault.Integrity, what,
			fmt.Errorf("the content differs, in %d bytes at most, from byte %d on", tree.RangesOf(missing).Bytes(), first(missing)), "copy it again")
	}
	same, err := it.old.blank(it.entry.Ranges())
	if err != nil {
		return it.sink.wrap("comparing", err)
	}
	if !same {
		return fault.New(fault.Integrity, what, errors.New("the content differs: there is something where the source has a hole"), "copy it again")
	}
	if err := it.old.unchanged(it.sink.place.shown()); err != nil {
		return err
	}
	return it.digest()
}

func first(rs []tree.Range) int64 {
	if len(rs) == 0 {
		return 0
	}
	return rs[0].Off
}

// digest compares the digest of the whole file, where the source has sent one.
func (it *item) digest() error {
	if it.seal.Whole == nil {
		return nil
	}
	file := it.sink.file
	if it.asIs || it.check {
		file = it.old.file
	}
	var got []byte
	err := it.sink.seam.do(stepDigest, func() (err error) {
		got, err = wholeDigest(it.store.opts.Digest, file, it.seal.Size)
		return err
	})
	if err != nil {
		return it.sink.wrap("reading", err)
	}
	if !bytes.Equal(got, it.seal.Whole) {
		it.ruined = true
		return digestFault(it, it.store.opts.Digest, got, it.seal.Whole)
	}
	return nil
}

func digestFault(of candidate, a tree.Algorithm, here, source []byte) error {
	return fault.New(fault.Integrity, "committing "+of.shown(), fmt.Errorf("its %v digest is %x here, and %x at the source", a, here, source),
		"copy it again; if it comes back, test the memory of both hosts")
}

// readBack reads what was written from the disk.
func (it *item) readBack(ctx context.Context) error {
	if it.asIs || it.check {
		return nil
	}
	what := "reading back " + it.sink.place.shown()
	var seen tree.Ranges
	err := dropCache(it.sink.file)
	for _, s := range it.sums {
		if err != nil {
			break
		}
		if err := ended(ctx, what); err != nil {
			return err
		}
		var d transport.Digest
		err = it.sink.seam.do(stepReadBack, func() (err error) {
			d, err = sumOf(it.sink.file, s.Range)
			return err
		})
		if err == nil && d != s.digest {
			it.ruined = true
			return fault.New(fault.Integrity, what, fmt.Errorf("the %d bytes at %d come back from the disk as others", s.Len, s.Off), fixDisk)
		}
		seen.Add(s.Range)
	}
	if err != nil {
		it.ruined = true
		return wrap(what, err)
	}
	if missing := seen.Without(it.ranges()); len(missing) > 0 {
		return fault.New(fault.Internal, what, fmt.Errorf("there is no digest of the bytes at %d", missing[0].Off), "")
	}
	return nil
}
