package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"github.com/rdmacp/rdmacp/internal/failpoint"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// unnamed is a small file of a Store in the making that comes to stand where
// nothing stood. It has no name until it is complete: nobody else can reach it, so
// there is nothing to lock and nothing to identify, and nothing is left of it when
// the process dies. It is a tree.Landing.
//
// Trees have many such files, and what a file costs apart from its bytes is what
// takes the time.
type unnamed struct {
	store *Store
	entry tree.Entry
	in    *folder // held
	dir   *handle // the same, open
	leaf  string
	file  *rawFile
	mode  fs.FileMode // what the file gets
	sure  bool        // it has that mode already

	progress

	next, prev *unnamed // in the Store's list of what is open
	listed     bool     // it is in there

	mu      sync.Mutex
	state   landingState
	spoiled error       // the first write that failed
	whole   bool        // all has landed in one piece, which is usual
	there   tree.Ranges // what has landed, if it came in several
	sealed  bool
	seal    tree.Seal
}

// maxUnnamed is the size, in bytes, up to which files are made without a name.
const maxUnnamed = 64 << 10

// errNamed says that a file has to be made under the name of a partial file.
var errNamed = errors.New("it needs a name")

// openUnnamed starts a small file. It is nil where the file has to have a name.
func (s *Store) openUnnamed(e *tree.Entry, v *tree.Verdict) (*unnamed, error) {
	if !s.mayBeUnnamed(e, v) {
		return nil, nil
	}
	f, leaf, err := s.whereAdded(e)
	if err != nil {
		return nil, err
	}
	h, err := s.dirs.hold(f)
	if err != nil {
		return nil, err
	}
	u := &unnamed{store: s, entry: *e, in: f, dir: h, leaf: leaf, mode: s.wantMode(e.Meta, nil)}
	if err = u.open(); err == nil {
		err = s.enlist(u)
	}
	if err == nil {
		return u, nil
	}
	u.release()
	if errors.Is(err, errNamed) {
		return nil, nil
	}
	return nil, u.wrap("creating", err)
}

// mayBeUnnamed reports whether a file is one that is to be made without a name.
func (s *Store) mayBeUnnamed(e *tree.Entry, v *tree.Verdict) bool {
	m, o := &e.Meta, &s.opts
	switch {
	case e.Kind != tree.File || e.Linked || e.Data != nil || m.Size < 0 || m.Size > maxUnnamed:
		return false
	case v.Compare || v.Change&tree.New == 0 || v.Change&tree.Kinds != 0:
		return false // something stands there
	}
	return !s.readOnly() && !o.ReadBack && !s.worthResuming(*e)
}

// unnamedWorks reports whether files without a name can be trusted in a directory,
// which is held.
func (s *Store) unnamedWorks(f *folder) bool {
	s.probeUnnamed.Do(func() {
		takes := false
		if s.soundSync() { // else each would be synced twice, ahead of its name and behind it
			takes, s.unnamedAlone = takesUnnamed(s.top().open.self)
		}
		s.unnamedOff.Store(!takes)
	})
	return !s.unnamedOff.Load() && sameDevice(f.info, s.top().info)
}

// open makes the file. A directory that this run has not made may hold what
// another run has begun, or left: that is for the Sink to settle.
func (u *unnamed) open() error {
	if !u.store.unnamedWorks(u.in) || !u.in.fresh.Load() && u.dir.has(partialName(u.leaf)) {
		return errNamed
	}
	u.sure = u.store.mayChoose(u.in, u.dir, u.mode)
	err := doStep(u.store.seam, stepOpen, u, (*unnamed).make)
	if err != nil && cannotMake(err) {
		u.store.unnamedOff.Store(true)
		return errNamed
	}
	return err
}

func (u *unnamed) make() (err error) {
	mode := u.mode
	if !u.sure {
		mode = 0o600
	}
	u.file, err = makeUnnamed(u.dir, mode)
	return err
}

// mayChoose reports whether a file that is made in f with that mode gets just that.
func (s *Store) mayChoose(f *folder, h *handle, mode fs.FileMode) bool {
	if s.opts.Xattrs || s.opts.ACLs || mode&^fs.ModePerm != 0 {
		return false
	}
	if mask, known := knownUmask(); !known || mode&mask != 0 {
		return false
	}
	f.modes.Do(func() { f.heeding = h.heedsModes() })
	return f.heeding
}

// WriteDirect is WriteAt, which is all that a small file has.
func (u *unnamed) WriteDirect(b []byte, off int64) (transport.Moved, error) {
	n, err := u.WriteAt(b, off)
	return transport.Moved{Bytes: n, Copied: n, Why: whySmall}, err
}

// WriteAt writes bytes to the file.
func (u *unnamed) WriteAt(b []byte, off int64) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	size := u.entry.Meta.Size
	switch {
	case u.state != landingOpen:
		return 0, u.wrap("writing", os.ErrClosed)
	case off < 0 || off > size || int64(len(b)) > size-off:
		return 0, fault.New(fault.Internal, "writing "+u.shown(), fmt.Errorf("%d bytes at %d reach beyond the size of %d", len(b), off, size), "")
	}
	n, err := u.write(b, off)
	if err != nil {
		err = u.spoil("writing", err)
	}
	return n, err
}

func (u *unnamed) write(b []byte, off int64) (int, error) {
	if u.store.seam == nil && !failpoint.Enabled {
		return u.file.WriteAt(b, off)
	}
	n := 0
	err := u.store.seam.do(stepWrite, func() (err error) {
		n, err = u.file.WriteAt(b, off)
		return err
	})
	return n, err
}

// spoil keeps the file from being committed: bytes that were said to be written
// may not be there. U is locked.
func (u *unnamed) spoil(verb string, err error) error {
	err = u.wrap(verb, err)
	if u.spoiled == nil {
		u.spoiled = err
	}
	return err
}

// Landed says that what was written at r is right.
func (u *unnamed) Landed(r tree.Range, _ transport.Digest) {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case u.state != landingOpen:
	case r.Off == 0 && r.Len == u.entry.Meta.Size:
		u.whole = true
	default:
		u.there.Add(r)
	}
}

// Old has nothing: nothing stands there.
func (u *unnamed) Old(tree.Range) (transport.Digest, bool) { return transport.Digest{}, false }

// Keep is a mistake: there is nothing to be kept.
func (u *unnamed) Keep(r tree.Range) {
	u.mu.Lock()
	defer u.mu.Unlock()
	_ = u.spoil("committing", fmt.Errorf("nobody has looked at the %d bytes at %d that are to be kept", r.Len, r.Off))
}

// Sealed notes the source's last word.
func (u *unnamed) Sealed(s tree.Seal) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.seal, u.sealed = s, true
}

// Close gives the file up, unless it was committed. There is nothing to be removed.
func (u *unnamed) Close(bool) error {
	u.mu.Lock()
	closes := u.state == landingOpen
	if closes {
		u.state = landingClosed
	}
	u.mu.Unlock()
	if closes {
		u.release()
	}
	return nil
}

// release closes everything. What was to be told of the bytes is known by then.
func (u *unnamed) release() {
	u.store.delist(u)
	if u.file != nil {
		_ = u.file.Close()
	}
	u.store.dirs.drop(u.in)
}

// shown is the whole path that the file is to get, for messages.
func (u *unnamed) shown() string { return u.in.shown(u.leaf) }

// wrap is a fault about the destination; nil for nil.
func (u *unnamed) wrap(verb string, err error) error {
	if err == nil {
		return nil
	}
	return wrap(verb+" "+u.shown(), err)
}
