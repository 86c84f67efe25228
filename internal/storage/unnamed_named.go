package storage

import (
	"errors"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// nameAll makes ordinary landings of those files that cannot get their names as
// they are, and returns them as candidates that take their places among the items.
func (s *Store) nameAll(items []candidate) []candidate {
	var named []candidate
	for i, it := range items {
		u, is := it.(*unnamed)
		if !is || !errors.Is(u.err, errNamed) {
			continue
		}
		l, err := u.named()
		if err != nil {
			u.err = err
			continue
		}
		u.release()
		items[i] = l.takeForCommit()
		named = append(named, items[i])
	}
	return named
}

// named makes an ordinary landing of the file: one with a partial file and a lock,
// to be renamed into place.
func (u *unnamed) named() (*landing, error) {
	l, err := u.store.newLanding(u.entry)
	if err != nil {
		return nil, err
	}
	l.mode = u.mode
	if err = u.mayReplace(l.sink.place); err == nil {
		err = u.moveTo(l)
	}
	if err != nil {
		return nil, joined(err, l.Close(true))
	}
	return l, nil
}

// mayReplace looks at what has come to stand at the place, as Add has done when
// there was nothing.
func (u *unnamed) mayReplace(p *place) error {
	old, err := lookup(u.in, p)
	if err != nil || old == nil {
		return err
	}
	v := tree.Verdict{Answer: tree.Done}
	if err := u.store.compare(u.entry, p, old, &v); err != nil {
		return err
	}
	if v.Answer == tree.Skip {
		return fault.New(fault.Busy, "creating "+p.shown(), errors.New("someone else has made it meanwhile, and it is to be left alone"),
			"run the copy again")
	}
	return nil
}

// moveTo copies the bytes.
func (u *unnamed) moveTo(l *landing) error {
	l.mu.Lock()
	err := l.begin()
	l.mu.Unlock()
	if err != nil {
		return err
	}
	all := tree.Range{Off: 0, Len: u.entry.Meta.Size}
	if err := transfer(l, u.file, all); err != nil {
		return l.sink.wrap("writing", err)
	}
	l.mu.Lock()
	l.there.Add(all)
	l.mu.Unlock()
	l.Sealed(u.seal)
	return nil
}
