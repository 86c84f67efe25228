package storage

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// Add takes the next entry. See tree.Sink.
func (s *Store) Add(ctx context.Context, e tree.Entry) tree.Verdict {
	s.life.RLock()
	defer s.life.RUnlock()
	v := tree.Verdict{ID: e.ID, Answer: tree.Done}
	var err error
	if ctx.Err() != nil {
		err = ended(ctx, "placing "+shown(clip(e.Name)))
	}
	if err == nil && s.isClosed() {
		err = os.ErrClosed
	}
	if err == nil {
		err = s.add(ctx, e, &v)
	}
	if err != nil {
		f, ok := fault.As(err)
		if !ok {
			f = fault.New(fault.Internal, "placing "+shown(clip(e.Name)), err, "")
		}
		v.Answer, v.Fault, v.Ranges = tree.Fail, f, nil
		s.trouble.Store(true)
	}
	return v
}

func (s *Store) add(ctx context.Context, e tree.Entry, v *tree.Verdict) error {
	s.goOn(&e)
	f, leaf, err := s.where(e)
	if err != nil {
		return err
	}
	if err := s.ensureBase(); err != nil {
		return err
	}
	if f != nil && e.Name != "" {
		if err := f.claim(leaf); err != nil {
			return err
		}
		if s.opts.Delete {
			f.tell(leaf)
		}
	}
	if e.Kind == tree.Dir {
		return s.addDir(e, f, leaf, v)
	}
	if f.absent {
		v.Change = tree.New
		return nil
	}
	if e.Kind == tree.File && f.fresh.Load() {
		s.addNew(e, f, leaf, v)
		return nil
	}
	p, err := s.place(f, leaf)
	if err != nil {
		return err
	}
	defer func() { _ = p.close() }()
	if e.Kind == tree.File {
		return s.addFile(ctx, e, f, p, v)
	}
	return s.addOther(ctx, e, f, p, v)
}

// claim refuses a name that is one with another of the source's to this file system: one file
// would be lost for the other. What was there before the copy has no part in it.
func (f *folder) claim(leaf string) error {
	if !foldsNames {
		return nil
	}
	if f.claimed == nil {
		f.claimed = map[string]string{}
	}
	name := folded(leaf)
	first, taken := f.claimed[name]
	if taken && first != leaf {
		return fault.New(fault.Usage, "creating "+f.shown(leaf), errors.New("the source has "+shown(first)+", too, and here the two are one name"),
			"rename one of the two at the source, or leave it out")
	}
	f.claimed[name] = leaf
	return nil
}

// tell remembers that the source has something of that name in f.
func (f *folder) tell(leaf string) {
	if f.names == nil {
		f.names = map[string]struct{}{}
	}
	f.names[folded(leaf)] = struct{}{}
}

// place returns the place of a leaf in f, which stays open until that is closed.
func (s *Store) place(f *folder, leaf string) (*place, error) {
	h, err := s.dirs.hold(f)
	if err != nil {
		return nil, err
	}
	done := func() error {
		s.dirs.drop(f)
		return nil
	}
	return &place{root: h.root, self: h.self, leaf: leaf, in: f, done: done}, nil
}

// lookup returns what stands at a place; nil if that is nothing. In a directory
// that this run has made there is nothing.
func lookup(f *folder, p *place) (fs.FileInfo, error) {
	if f.fresh.Load() {
		return nil, nil
	}
	info, err := p.root.Lstat(p.leaf)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return info, wrap("looking at "+p.shown(), err)
}
