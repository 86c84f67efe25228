package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// Remove implements tree.Source. Of what is behind a symbolic link, the link is
// removed.
func (w *Walker) Remove(e tree.Entry) error {
	in := w.table.of(e.ID, e.Parent)
	what := "removing " + w.table.shown(in, e.Name)
	if e.Kind == tree.Dir || in == 0 {
		return fault.New(fault.Internal, what, fmt.Errorf("entry %d is %v of directory %d", e.ID, e.Kind, in), "")
	}
	h, err := w.table.hold(in)
	if err != nil {
		return vanished(what, err)
	}
	defer h.release()
	now, err := h.look(e.Name)
	through := err == nil && now.mode&fs.ModeSymlink != 0 && e.Kind != tree.Symlink
	if through {
		now, err = h.lookThrough(e.Name)
	}
	if err != nil {
		return vanished(what, err)
	}
	if why := w.rewritten(&now, &e); why != nil {
		return changedFault(what, why)
	}
	if now.links > 1 && !through {
		w.unlinked.Store(now.key(), true) // ahead of the change that it explains
	}
	return wrap(what, h.remove(e.Name))
}

// rewritten says why the bytes may not be those any more that were copied. A
// file that was given its old time after it was written shows by its ctime alone;
// so does a new mode, but what is to be removed is better kept than lost. Only that
// a name of it was removed here explains a new ctime.
func (w *Walker) rewritten(now *status, e *tree.Entry) error {
	if why := now.is(&e.Meta, e.Kind); why != nil {
		return why
	}
	if e.Meta.Changed == 0 || now.changed.IsZero() || now.changed.Equal(time.Unix(0, e.Meta.Changed)) {
		return nil
	}
	if _, ours := w.unlinked.Load(now.key()); ours {
		return nil
	}
	return errors.New("its mode, owner or names were changed, or it was rewritten with its old time, at " + now.changed.Format(layout))
}
