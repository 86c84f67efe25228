package storage

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// What the names end in that are ours: the file in the making, the journal of what
// it holds already, a link or device in the making, and the mark of a tree in the
// making.
const (
	partialSuffix = ".rdmacp-partial"
	journalSuffix = ".rdmacp-journal"
	linkSuffix    = ".rdmacp-link"
	treeSuffix    = ".rdmacp-tree"
)

// maxClaims bounds how often a partial file is opened again because another copy
// renamed or removed it between the open and the lock. Each time another copy
// came to its end, so a few are enough.
const maxClaims = 16

// partialName returns the name under which the file called leaf is written. It
// is always the same for the same leaf, so that a rerun finds what a killed run
// left. Where leaf is too long for the additions, a digest stands for its tail.
func partialName(leaf string) string { return ownName(leaf, partialSuffix) }

// journalName returns the name of the journal of the file called leaf.
func journalName(leaf string) string { return ownName(leaf, journalSuffix) }

// linkName returns the name under which a link or device called leaf is made
// before it replaces something.
func linkName(leaf string) string { return ownName(leaf, linkSuffix) }

func ownName(leaf, suffix string) string {
	room := maxComponent - len(".") - len(suffix)
	if len(leaf) > room {
		sum := sha256.Sum256([]byte(leaf))
		digest := "-" + hex.EncodeToString(sum[:16])
		leaf = cut(leaf, room-len(digest)) + digest
	}
	return "." + leaf + suffix
}

// isPartialName reports whether a file of this name is a copy that is not
// complete, or belongs to one. Nobody copies to it or from it by name.
func isPartialName(leaf string) bool {
	if !strings.HasPrefix(leaf, ".") {
		return false
	}
	for _, suffix := range [...]string{partialSuffix, journalSuffix, linkSuffix, treeSuffix} {
		if strings.HasSuffix(leaf, suffix) {
			return true
		}
	}
	return false
}

// cut returns at most n bytes of s, without half a character at the end: some
// file systems take nothing but UTF-8.
func cut(s string, n int) string {
	for back := range utf8.UTFMax {
		if n > back && utf8.RuneStart(s[n-back]) {
			return s[:n-back]
		}
	}
	return s[:n] // not UTF-8 anyway
}

// openPartial makes and locks the partial file. What a killed run left goes, rather than
// be emptied: whoever may write to the directory can lead its name to another file of ours
// just when that looks like a file with one name, and back.
func (s *Sink) openPartial() error {
	for range maxClaims {
		if err := s.claimPartial(); err != nil || s.fresh {
			return err
		}
		if err := s.discard(); err != nil {
			return err
		}
	}
	return s.busy("other copies to it keep starting and ending")
}

// discard removes a leftover that is of no use, and lets go of it. If somebody has removed it
// already, its name may be that of another copy's.
func (s *Sink) discard() error {
	if err := s.seam.do(stepDiscard, s.removePartial); err != nil {
		return s.wrap("removing the leftover of an earlier copy to", err)
	}
	_ = s.file.Close() // nothing was written to it
	s.file = nil
	return nil
}

// unname removes the partial file's name.
func (s *Sink) unname(verb string) error {
	err := s.seam.do(stepDiscard, func() error { return removeAt(s.place.root, s.partial) })
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return s.wrap(verb, err)
}

// claimPartial opens and locks the partial file. What it holds stays.
func (s *Sink) claimPartial() error {
	for range maxClaims {
		if claimed, err := s.claimOnce(); claimed || err != nil {
			return err
		}
	}
	return s.busy("other copies to it keep starting and ending")
}

// claimOnce reports whether the partial file is open and locked; without an error the name is
// to be tried again. Of a file that is not claimed nothing stays open: its lock would be in everybody's way.
func (s *Sink) claimOnce() (bool, error) {
	f, fresh, err := s.openOrCreate()
	if errors.Is(err, errGone) {
		return false, nil
	}
	if err != nil {
		return false, s.wrap("creating", err)
	}
	defer func() {
		if s.file != f {
			_ = f.Close() // nothing was written to it
		}
	}()
	claimed, err := s.claim(f, fresh)
	switch {
	case claimed:
		s.file, s.fresh = f, fresh
	case fresh && err != nil && fault.CodeOf(err) != fault.Busy:
		s.file = f // we made it, and nobody else has it: for abandon to remove
	}
	return claimed, err
}

// openOrCreate opens the partial file, and reports whether it has made it. It
// must not write through a symbolic link that someone put at its name: creating
// is exclusive, which follows none, and a file that was there is not changed
// before claim has seen that the name is the file's own.
func (s *Sink) openOrCreate() (f *os.File, fresh bool, err error) {
	err = s.seam.do(stepOpen, func() error {
		f, err = s.place.root.OpenFile(s.partial, os.O_RDWR|os.O_CREATE|os.O_EXCL|nonblock, 0o600)
		if errors.Is(err, fs.ErrExist) {
			f, err = s.openLeftover()
			return err
		}
		fresh = err == nil
		return err
	})
	return f, fresh, err
}

// errGone is a leftover that was removed just after it was seen.
var errGone = errors.New("gone")

func (s *Sink) openLeftover() (*os.File, error) {
	info, err := s.place.root.Lstat(s.partial)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errGone
	}
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fault.New(fault.NotRegular, "creating "+s.place.shown(),
			fmt.Errorf("%s, which it is written to first, is %s", shown(s.partial), kind(info.Mode())), "remove it")
	}
	f, err := s.place.root.OpenFile(s.partial, os.O_RDWR|nonblock, 0)
	if errors.Is(err, fs.ErrPermission) && ours(info) {
		// It was killed when it had the mode of the destination already.
		if err = regainAccess(s.place, s.partial, info); err == nil {
			f, err = s.place.root.OpenFile(s.partial, os.O_RDWR|nonblock, 0)
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errGone
	case errors.Is(err, fs.ErrPermission):
		return nil, fault.New(fault.Permission, "creating "+s.place.shown(),
			fmt.Errorf("%s, which it is written to first, belongs to another user: %w", shown(s.partial), fs.ErrPermission),
			"wait for that user's copy to end; if none is running, remove it")
	}
	return f, err
}

// claim locks f and reports whether it is ours to write to. Where it is neither
// that nor an error, f is to be closed and the name tried again.
func (s *Sink) claim(f *os.File, fresh bool) (bool, error) {
	if !fresh {
		info, err := f.Stat()
		if err != nil {
			return false, s.wrap("creating", err)
		}
		if err := regular("creating "+s.place.shown(), info.Mode()); err != nil {
			return false, err
		}
	}
	err := s.seam.do(stepLock, func() error { return lock(f) })
	switch {
	case errors.Is(err, errLocked):
		return false, s.busy("another copy is writing it" + s.writer())
	case errors.Is(err, errors.ErrUnsupported):
		return false, fault.New(fault.IO, "creating "+s.place.shown(),
			fmt.Errorf("the file system cannot lock files, so that two copies could mix: %w", err),
			"mount it with locks (Lustre: -o flock), or choose another destination")
	case err != nil:
		return false, s.wrap("locking", err)
	}
	return s.identify(f, fresh)
}

// identify reports whether the partial's name leads to f, now that f is locked,
// and whether f can be trusted with the bytes to come.
func (s *Sink) identify(f *os.File, fresh bool) (bool, error) {
	var here, opened fs.FileInfo
	err := s.seam.do(stepIdentify, func() (err error) {
		if opened, err = f.Stat(); err != nil {
			return err
		}
		here, err = s.place.root.Lstat(s.partial)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, s.wrap("creating", err)
	}
	if !os.SameFile(here, opened) {
		return false, nil
	}
	if fresh || ours(opened) && ours(here) {
		s.held = opened
		return true, nil
	}
	// Another user's leftover would make the destination that user's, and a
	// second link would let us write to a file that someone chose.
	return false, s.unname("removing the leftover of another user's copy to")
}

func (s *Sink) busy(why string) error {
	return fault.New(fault.Busy, "creating "+s.place.shown(), errors.New(why),
		"wait for the other copy to end, or end it; then run this one again")
}
