package storage

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// What a Store keeps of a peer's words until Finish is bounded. Most of it costs the
// peer a directory or a file of this host; what does not is counted, in bytes.
const (
	// mostLinks is how much links and the like may take before they are made ahead of
	// Finish, which frees it: some 200,000. It is no limit on their number.
	mostLinks = 64 << 20

	// mostHeld is how much all that is counted may take. What no copy frees ahead of
	// Finish are the attributes of directories, the same ones once, and directories that
	// are not made here. A dry run has room for 1.5 million of these, and a million
	// directories for attributes of 500 bytes that no two of them share.
	mostHeld = 512 << 20

	// Besides the texts, in bytes.
	linkCost = 256
	dirCost  = 320
)

// held is what a Store keeps until Finish. It belongs to who calls Add.
type held struct {
	bytes int64 // of all that is counted
	links int64 // of links
	early int64 // once links take that much, those that can be made are made
	step  int64 // what they may take more the next time
	most  int64 // that bytes may come to
	attrs map[[sha256.Size]byte][]tree.Xattr
	in    map[*folder]bool // that links were made in ahead of Finish
}

func newHeld() held {
	return held{early: mostLinks, step: mostLinks, most: mostHeld, attrs: map[[sha256.Size]byte][]tree.Xattr{}, in: map[*folder]bool{}}
}

// take counts n bytes for something called leaf in f; f is nil where the copy lands.
func (h *held) take(f *folder, leaf string, n int64) error {
	if h.bytes+n > h.most {
		what := shown(clip(leaf))
		if f != nil {
			what = f.shown(leaf)
		}
		return fault.New(fault.Limit, "keeping what is to be done at the end for "+what,
			fmt.Errorf("links, attributes and the like would take more than %d MiB of memory of the host that is copied to", h.most>>20),
			"copy the tree in parts, or without extended attributes and ACLs (drop -X and -A)")
	}
	h.bytes += n
	return nil
}

// attributes returns what of an entry's attributes is needed once it is made. Equal ones
// are kept once: the directories of a tree mostly have the same label and ACL.
func (s *Store) attributes(f *folder, leaf string, m tree.Meta) ([]tree.Xattr, error) {
	if len(m.Xattrs) == 0 || !s.opts.Xattrs && !s.opts.ACLs || s.readOnly() {
		return nil, nil
	}
	sum := sha256.New()
	size := int64(sha256.Size)
	for _, x := range m.Xattrs {
		var n [16]byte
		binary.LittleEndian.PutUint64(n[:8], uint64(len(x.Name)))
		binary.LittleEndian.PutUint64(n[8:], uint64(len(x.Value)))
		_, _ = sum.Write(n[:]) // a hash never fails
		_, _ = sum.Write([]byte(x.Name))
		_, _ = sum.Write(x.Value)
		size += 64 + int64(len(x.Name)+len(x.Value))
	}
	key := [sha256.Size]byte(sum.Sum(nil))
	if same, ok := s.held.attrs[key]; ok {
		return same, nil
	}
	if err := s.held.take(f, leaf, size); err != nil {
		return nil, err
	}
	s.held.attrs[key] = m.Xattrs
	return m.Xattrs, nil
}

// size is what a link takes.
func (l *link) size() int64 { return linkCost + int64(len(l.leaf)+len(l.to)) + ownerSize(l.meta) }

// ownerSize is what the names of an entry's owner take.
func ownerSize(m tree.Meta) int64 {
	if m.Owner == nil {
		return 0
	}
	return int64(len(m.Owner.User) + len(m.Owner.Group))
}

// noteLink notes a link until Finish, and makes those that wait where they are too many.
func (s *Store) noteLink(ctx context.Context, l link) error {
	size := l.size()
	if err := s.held.take(l.in, l.leaf, size); err != nil {
		return err
	}
	s.held.links += size
	s.made = append(s.made, l)
	if s.held.links < s.held.early {
		return nil
	}
	return s.makeEarly(ctx)
}

// makeEarly makes what was noted, as Finish does, except for names of files that are not
// there yet. What fails is told by Finish.
func (s *Store) makeEarly(ctx context.Context) error {
	ready, wait := s.made[:0:0], []link{}
	for _, l := range s.made {
		if l.first != nil && !s.isThere(l.first) {
			wait = append(wait, l)
			continue
		}
		ready = append(ready, l)
		s.held.in[l.in] = true
		s.held.bytes -= l.size()
		s.held.links -= l.size()
	}
	s.made = wait
	s.held.early = s.held.links + s.held.step // those that wait are not looked at each time
	return s.makeLinks(ctx, ready, func(in *folder, leaf string, err error) {
		f, ok := fault.As(err)
		if !ok {
			f = fault.New(fault.IO, "making "+in.shown(leaf), err, fixDisk)
		}
		s.trouble.Store(true)
		s.notes.add(tree.Problem{Path: in.below(s.base, leaf), Fault: f})
	})
}

// isThere reports whether the file is, of which there are to be further names.
func (s *Store) isThere(n *firstName) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return n.info != nil
}

// makeLinks makes links, in the order of their ranks.
func (s *Store) makeLinks(ctx context.Context, ls []link, problem func(*folder, string, error)) error {
	slices.SortStableFunc(ls, func(a, b link) int { return cmp.Compare(a.rank(), b.rank()) })
	for i := range ls {
		if err := ended(ctx, "making links"); err != nil {
			return err
		}
		if err := s.make(&ls[i]); err != nil {
			problem(ls[i].in, ls[i].leaf, err)
		}
	}
	return nil
}
