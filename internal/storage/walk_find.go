package storage

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// find looks at a name in a directory. It returns errSkip for what is left out
// without a word.
func (r *walk) find(in *level, leaf, path string, want wish, f *found) error {
	h, err := r.table.hold(in.id)
	if err != nil {
		return err
	}
	defer h.release()
	if err := r.look(h, leaf, path, want, f); err != nil {
		return err
	}
	if !want.listed && r.rules.Excluded(path, f.mode.IsDir()) {
		return errSkip
	}
	if isPartialName(leaf) {
		return errOurs // the destination needs the name for itself
	}
	if err := in.reaches(leaf); err != nil {
		return err
	}
	switch {
	case f.mode.IsDir():
		err = r.findDir(h, in, leaf, want, f)
	case f.mode.IsRegular():
		err = r.findFile(h, leaf, f)
	case f.mode&fs.ModeSymlink != 0:
		f.link, err = h.readlink(leaf)
	default:
		err = r.special(f.mode)
	}
	if err == nil && f.sub == nil && !f.mode.IsRegular() && !f.through {
		f.xattrs, err = h.xattrs(leaf, false, r.opts)
	}
	if errors.Is(err, fs.ErrNotExist) && !want.named && !f.through {
		err = errSkip // it was removed since the directory was read
	}
	return err
}

// look fills in the status, behind a symbolic link if that is to be followed.
func (r *walk) look(h *heldDir, leaf, path string, want wish, f *found) error {
	var err error
	f.status, err = h.look(leaf)
	if errors.Is(err, fs.ErrNotExist) && !want.named {
		return errSkip // it was removed since the directory was read
	}
	if err != nil {
		return err
	}
	if f.mode&fs.ModeSymlink == 0 || r.opts.Links && want.below == nil {
		return nil
	}
	if want.noLink {
		return notAsked(f.mode, "name the file itself")
	}
	f.through = true
	f.status, err = h.lookThrough(leaf)
	if err != nil && !want.listed && r.rules.Excluded(path, false) {
		return errSkip
	}
	if errors.Is(err, fs.ErrNotExist) {
		return errDangling
	}
	return err
}

// findDir opens a directory, so that it is known to be readable before it is told
// of. What it is, is taken from what was opened.
func (r *walk) findDir(h *heldDir, in *level, leaf string, want wish, f *found) error {
	if !r.opts.Recursive && !want.listed {
		return errDirectory
	}
	sub, err := h.sub(leaf, f.through)
	if err != nil {
		return gone(err)
	}
	f.status, err = sub.self()
	if err == nil && !r.opts.Links && in.circles(&f.status) {
		err = errCircle
	}
	if err == nil {
		f.xattrs, err = sub.xattrs("", true, r.opts)
	}
	if err != nil {
		_ = sub.close() // nothing was written to it
		return err
	}
	f.sub = sub
	return nil
}

// circles reports whether the directory that st is of is l or one above it.
func (l *level) circles(st *status) bool {
	for ; l != nil; l = l.up {
		if l.inode != 0 && l.inode == st.inode && l.device == st.device {
			return true
		}
	}
	return false
}

// findFile finds out what can be known of a file only if it is open.
func (r *walk) findFile(h *heldDir, leaf string, f *found) error {
	sparse := f.sparse()
	attributes := r.opts.Xattrs || r.opts.ACLs
	if attributes && !f.through {
		var err error
		if f.xattrs, err = h.xattrs(leaf, false, r.opts); err != nil {
			return err
		}
		attributes = false
	}
	if !sparse && !attributes {
		return nil
	}
	file, err := h.open(leaf, f.through)
	if err != nil {
		return gone(err)
	}
	defer func() { _ = file.Close() }() // nothing was written to it
	if now, err := file.look(); err != nil || !now.same(&f.status) {
		return errors.Join(errReplaced, err)
	}
	if attributes {
		if f.xattrs, err = file.xattrs(r.opts); err != nil {
			return err
		}
	}
	if sparse {
		return f.findData(file)
	}
	return nil
}

// special refuses what is not asked for.
func (r *walk) special(mode fs.FileMode) error {
	switch {
	case mode&fs.ModeDevice != 0:
		if !r.opts.Devices {
			return notAsked(mode, "--devices copies devices")
		}
	case mode&(fs.ModeNamedPipe|fs.ModeSocket) != 0:
		if !r.opts.Specials {
			return notAsked(mode, "--specials copies FIFOs and sockets")
		}
	default:
		return notAsked(mode, "leave it out")
	}
	return nil
}

func notAsked(mode fs.FileMode, fix string) error {
	return fault.New(fault.NotRegular, "", fmt.Errorf("it is %s", kind(mode)), fix)
}

// gone is for what cannot be opened right after it was seen.
func gone(err error) error {
	if noFile(err) && !errors.Is(err, fs.ErrNotExist) {
		return errReplaced
	}
	return err
}

// wrap turns what find says into a fault.
func (r *walk) wrap(what string, err error) error {
	f, ok := fault.As(err)
	switch {
	case ok:
		return fault.New(f.Code, what, f.Why, f.Fix)
	case errors.Is(err, errDirectory):
		return fault.New(fault.NotRegular, what, err, "-r copies directories")
	case errors.Is(err, errCircle):
		return fault.New(fault.NotFound, what, err, "check the links, or copy them as links (--links)")
	case errors.Is(err, errDangling):
		return fault.New(fault.NotFound, what, err, "remove the link, or copy links as such (--links)")
	case errors.Is(err, errOurs):
		return fault.New(fault.Usage, what, err, "run the copy again that it belongs to, rename it, or leave it out (--exclude '.*.rdmacp-*')")
	case errors.Is(err, errReplaced):
		return changedFault(what, err)
	}
	return wrapRooted(what, err)
}

func kindOf(mode fs.FileMode) tree.Kind {
	switch {
	case mode.IsRegular():
		return tree.File
	case mode.IsDir():
		return tree.Dir
	case mode&fs.ModeSymlink != 0:
		return tree.Symlink
	case mode&fs.ModeNamedPipe != 0:
		return tree.FIFO
	case mode&fs.ModeSocket != 0:
		return tree.Socket
	case mode&fs.ModeCharDevice != 0:
		return tree.CharDevice
	}
	return tree.BlockDevice
}
