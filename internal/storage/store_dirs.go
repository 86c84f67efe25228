package storage

import (
	"container/list"
	"errors"
	"os"
	"slices"
	"sync"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// maxIdle is how many directories are kept open though nobody needs them now.
const maxIdle = 128

// folders are the directories of a Store.
type folders struct {
	mu    sync.Mutex
	byID  map[int64]*folder
	byKey map[folderKey]*folder // one directory may be sent more than once
	all   []*folder             // in the order in which they came
	idle  *list.List            // of *folder, the longest unused in front
	base  *folder
}

type folderKey struct {
	up   *folder
	leaf string
}

// init takes over base, the uppermost of which is open.
func (d *folders) init(base *folder) {
	d.byID, d.byKey = map[int64]*folder{}, map[folderKey]*folder{}
	d.idle, d.base = list.New(), base
	if base.up != nil {
		d.byKey[folderKey{base.up, base.leaf}] = base
	}
}

// get returns the directory of the entry with that number; nil if there is none.
func (d *folders) get(id int64) *folder {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.byID[id]
}

// known returns the directory called leaf, if it came before.
func (d *folders) known(up *folder, leaf string) *folder {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.byKey[folderKey{up, leaf}]
}

// enter remembers f as the directory of the entry with that number.
func (d *folders) enter(id int64, f *folder) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.byID[id] = f
	if f.up != nil {
		d.byKey[folderKey{f.up, f.leaf}] = f
	}
	if !f.sent {
		f.sent = true
		d.all = append(d.all, f)
	}
}

// hold opens f, or keeps it open, until it is dropped.
func (d *folders) hold(f *folder) (*handle, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.lockedHold(f)
}

func (d *folders) lockedHold(f *folder) (*handle, error) {
	if f.open == nil {
		h, err := d.reopen(f)
		if err != nil {
			return nil, err
		}
		f.open = h
	}
	if f.open.idle != nil {
		d.idle.Remove(f.open.idle)
		f.open.idle = nil
	}
	f.open.holds++
	return f.open, nil
}

// reopen opens f by its name. That has to lead to the directory which it has led
// to before: whoever replaced it shall not get the rest of the files.
func (d *folders) reopen(f *folder) (*handle, error) {
	var shut []*folder
	for at := f.up; at != nil && at.open == nil; at = at.up {
		shut = append(shut, at)
	}
	// From the top down, each only until the next is open: a deep tree has more
	// directories than may be open at once.
	for _, at := range slices.Backward(shut) {
		if _, err := d.lockedHold(at); err != nil { // the one above is open
			return nil, err
		}
		d.lockedDrop(at)
	}
	what := func() string { return "opening the directory " + f.shown("") }
	if f.up == nil {
		return nil, wrap(what(), os.ErrClosed)
	}
	up, err := d.lockedHold(f.up)
	if err != nil {
		return nil, err
	}
	defer d.lockedDrop(f.up)
	h, info, err := openFolder(up, f.leaf)
	if err != nil {
		return nil, wrapRooted(what(), err)
	}
	if f.info != nil && !os.SameFile(f.info, info) {
		_ = h.close() // nothing was written to it
		return nil, fault.New(fault.IO, what(), errors.New("it was moved or replaced while the copy went on"),
			"keep other programs away from it, and run the copy again")
	}
	f.info = info
	return h, nil
}

// drop ends a hold.
func (d *folders) drop(f *folder) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lockedDrop(f)
}

func (d *folders) lockedDrop(f *folder) {
	h := f.open
	h.holds--
	if h.holds > 0 || f.up == nil {
		return
	}
	h.idle = d.idle.PushBack(f)
	for d.idle.Len() > maxIdle {
		d.shut(d.idle.Front())
	}
}

// shut closes a directory that nobody holds.
func (d *folders) shut(e *list.Element) {
	f := d.idle.Remove(e).(*folder)
	_ = f.open.close() // what was made in it is synced by itself
	f.open = nil
}

// close lets go of all directories.
func (d *folders) close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.idle.Len() > 0 {
		d.shut(d.idle.Front())
	}
	f := d.base
	for f.up != nil {
		f = f.up
	}
	if f.open == nil {
		return nil
	}
	err := f.open.close()
	f.open = nil
	return wrap("closing the directory "+f.shown(""), err)
}
