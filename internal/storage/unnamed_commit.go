package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// takeForCommit ends all writing.
func (u *unnamed) takeForCommit() candidate {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.state != landingOpen {
		return &item{progress: progress{err: u.wrap("committing", os.ErrClosed)}}
	}
	u.state = landingCommits
	return u
}

func (u *unnamed) folder() *folder { return u.in }

// ready finds out whether all is there and right.
func (u *unnamed) ready(ctx context.Context) error {
	if err := endedAt(ctx, "committing", u); err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	size := u.entry.Meta.Size
	switch {
	case u.spoiled != nil:
		return u.spoiled
	case !u.sealed:
		return u.internal(errors.New("the source was not through with it"))
	case u.seal.Fault != nil:
		return u.seal.Fault
	case u.seal.Size != size:
		return changedFault("committing "+u.shown(), fmt.Errorf("its size went from %d to %d bytes", size, u.seal.Size))
	}
	if !u.whole {
		if missing := u.there.Without(u.entry.Ranges()); len(missing) > 0 {
			return u.internal(fmt.Errorf("%d bytes of it have not landed, the first at %d", tree.RangesOf(missing).Bytes(), missing[0].Off))
		}
	}
	return u.digest()
}

func (u *unnamed) internal(why error) error {
	return fault.New(fault.Internal, "committing "+u.shown(), why, "")
}

// digest compares the digest of the whole file, where the source has sent one.
func (u *unnamed) digest() error {
	if u.seal.Whole == nil {
		return nil
	}
	var got []byte
	err := u.store.seam.do(stepDigest, func() (err error) {
		got, err = wholeDigest(u.store.opts.Digest, u.file, u.seal.Size)
		return err
	})
	if err != nil {
		return u.wrap("reading", err)
	}
	if !bytes.Equal(got, u.seal.Whole) {
		return digestFault(u, u.store.opts.Digest, got, u.seal.Whole)
	}
	return nil
}

// readBack is not asked of files without a name.
func (u *unnamed) readBack(context.Context) error { return errNamed }

// dress sets all but the bytes.
func (u *unnamed) dress(context.Context) error {
	if o := &u.store.opts; !o.Owner && !o.Group && !o.Xattrs && !o.ACLs {
		return u.dressPlainly()
	}
	u.in.births.Do(func() {
		if st, err := u.file.look(); err == nil {
			u.in.born = &st
		}
	})
	on := &subject{raw: u.file, in: u.in, as: u.leaf, born: u.in.born}
	if u.sure {
		on.was = &u.mode
	}
	return u.store.apply(on, &u.entry.Meta, u.mode)
}

// dressPlainly sets the mode, if need be, and the time.
func (u *unnamed) dressPlainly() error {
	if !u.sure {
		if err := doStep(u.store.seam, stepChmod, u, (*unnamed).setMode); err != nil {
			return u.wrap("setting the permissions of", err)
		}
	}
	if !u.store.opts.Times || u.entry.Meta.ModTime.IsZero() {
		return nil
	}
	return u.wrap("setting the time of", doStep(u.store.seam, stepTimes, u, (*unnamed).setTime))
}

func (u *unnamed) setMode() error { return chmod(&subject{raw: u.file}, u.mode) }

func (u *unnamed) setTime() error { return setTime(&subject{raw: u.file}, u.entry.Meta.ModTime) }

// sync brings the file to stable storage by itself.
func (u *unnamed) sync() error {
	if !u.store.unnamedAlone {
		return errNamed
	}
	return u.wrap("syncing", doStep(u.store.seam, stepSync, u, (*unnamed).fsync))
}

func (u *unnamed) fsync() error { return u.file.sync() }

func (u *unnamed) lost(err error) { u.err = u.wrap("syncing", err) }

// put gives the file its name. That is one step, and does not replace what has come
// to stand there meanwhile.
func (u *unnamed) put(ctx context.Context) error {
	if err := endedAt(ctx, "committing", u); err != nil {
		return err
	}
	err := doStep(u.store.seam, stepLink, u, (*unnamed).link)
	switch {
	case err == nil:
		u.placed = true
		return nil
	case errors.Is(err, fs.ErrExist):
		return u.taken()
	case cannotLink(err):
		u.store.unnamedOff.Store(true)
		return errNamed
	}
	return u.wrap("putting into place", err)
}

func (u *unnamed) link() error { return u.file.link(u.dir, u.leaf) }

// taken says what becomes of a file whose name something else has got since it was
// looked for. It replaces that, as it does what was there before, but not in a
// directory that this run has made: there, two names of the source's are most
// likely one to this file system, and one file would be lost for the other.
func (u *unnamed) taken() error {
	if !u.in.fresh.Load() {
		return errNamed
	}
	return fault.New(fault.Busy, "creating "+u.shown(), errors.New("something of that name has come to stand in the directory that this copy has made"),
		"if another name at the source differs from it in case only, rename one; else keep other programs away from it, and run the copy again")
}

// settle brings the number of its names to stable storage. It was none when the
// file itself was brought there, and not every file system tells what it does for
// a name.
func (u *unnamed) settle() error {
	if !u.placed {
		return nil
	}
	return u.wrap("syncing", doStep(u.store.seam, stepSync, u, (*unnamed).fsync))
}

// finish closes the file, and returns what became of it.
func (u *unnamed) finish() error {
	u.release()
	return u.err
}
