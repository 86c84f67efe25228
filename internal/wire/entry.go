package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/rdmacp/rdmacp/internal/tree"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

var (
	errNUL     = errors.New("a name with a NUL byte")
	errNoFault = errors.New("a failure without a fault")
)

func fromEntry(e tree.Entry) *pb.Entry {
	m := &pb.Entry{
		Id: uint64(e.ID), Parent: uint64(e.Parent), Name: []byte(e.Name), Kind: pb.Kind(e.Kind),
		Mode: fromMode(e.Meta.Mode), Allocated: uint64(e.Meta.Allocated), Device: e.Meta.Device, Inode: e.Meta.Inode,
		ChangedNanos: e.Meta.Changed, Link: []byte(e.Link), First: uint64(e.First), Xattrs: each(e.Meta.Xattrs, fromXattr),
		Major: e.Meta.Major, Minor: e.Meta.Minor, Linked: e.Linked,
	}
	if e.Meta.Size == tree.Streamed {
		m.Streamed = true
	} else {
		m.Size = uint64(e.Meta.Size)
	}
	if t := e.Meta.ModTime; !t.IsZero() {
		m.MtimeSeconds, m.MtimeNanos = new(t.Unix()), uint32(t.Nanosecond())
	}
	if o := e.Meta.Owner; o != nil {
		m.Owner = &pb.Owner{Uid: o.UID, Gid: o.GID, User: []byte(o.User), Group: []byte(o.Group)}
	}
	if e.Data != nil {
		m.Data = &pb.Ranges{Ranges: each(tree.Coalesce(e.Data, MaxRanges), fromRange)}
	}
	return m
}

func toEntry(m *pb.Entry) (tree.Entry, error) {
	e := tree.Entry{
		ID: int64(m.GetId()), Parent: int64(m.GetParent()), Name: string(m.GetName()),
		Kind: tree.Kind(min(uint32(m.GetKind()), 255)), Link: string(m.GetLink()), First: int64(m.GetFirst()), Linked: m.GetLinked(),
	}
	if err := checkPlace(e); err != nil {
		return e, err
	}
	if err := checkKind(e, m); err != nil {
		return e, fmt.Errorf("entry %d, a %s: %w", e.ID, e.Kind, err)
	}
	var err error
	if e.Meta, err = toMeta(m); err != nil {
		return e, fmt.Errorf("entry %d: %w", e.ID, err)
	}
	if m.GetData() == nil {
		return e, nil
	}
	if e.Kind != tree.File || m.GetStreamed() {
		return e, fmt.Errorf("entry %d, a %s, with holes", e.ID, e.Kind)
	}
	e.Data, err = toRanges(m.GetData().GetRanges(), e.Meta.Size)
	if e.Data == nil {
		e.Data = []tree.Range{} // nothing but holes
	}
	return e, err
}

// checkPlace refuses what can stand nowhere in a tree.
func checkPlace(e tree.Entry) error {
	switch {
	case e.ID <= 0 || e.Parent < 0 || e.Parent >= e.ID:
		return fmt.Errorf("entry %d in directory %d", e.ID, e.Parent)
	case !e.Kind.Known():
		return fmt.Errorf("entry %d of kind %d", e.ID, e.Kind)
	case e.Name == "" && (e.Parent != 0 || e.Kind != tree.Dir):
		return fmt.Errorf("entry %d without a name", e.ID)
	case e.Name == "." || e.Name == ".." || len(e.Name) > MaxName || strings.ContainsAny(e.Name, "/\x00"):
		return fmt.Errorf("entry %d with the name %.64q", e.ID, e.Name)
	}
	return nil
}

// checkKind refuses what does not go with the kind of an entry.
func checkKind(e tree.Entry, m *pb.Entry) error {
	link := e.Kind == tree.Symlink
	device := e.Kind == tree.CharDevice || e.Kind == tree.BlockDevice
	switch {
	case link != (e.Link != "") || len(e.Link) > MaxPath || strings.ContainsRune(e.Link, 0):
		return fmt.Errorf("that leads to %.64q", e.Link)
	case (e.Kind == tree.Hardlink) != (e.First != 0) || e.First < 0 || e.First >= e.ID:
		return fmt.Errorf("that is the same as entry %d", e.First)
	case !device && (m.GetMajor() != 0 || m.GetMinor() != 0):
		return fmt.Errorf("with device number %d:%d", m.GetMajor(), m.GetMinor())
	case m.GetStreamed() && (e.Kind != tree.File || m.GetSize() != 0):
		return fmt.Errorf("whose size of %d bytes is not known", m.GetSize())
	}
	return nil
}

func toMeta(m *pb.Entry) (tree.Meta, error) {
	meta := tree.Meta{
		Size: int64(m.GetSize()), Mode: toMode(m.GetMode()), Allocated: int64(min(m.GetAllocated(), MaxSize)),
		Device: m.GetDevice(), Inode: m.GetInode(), Major: m.GetMajor(), Minor: m.GetMinor(),
		Changed: m.GetChangedNanos(),
	}
	switch {
	case m.GetSize() > MaxSize:
		return meta, fmt.Errorf("a size of %d bytes", m.GetSize())
	case m.GetMode() > 0o7777:
		return meta, fmt.Errorf("mode %#o: permission bits only", m.GetMode())
	case m.GetMtimeNanos() >= 1e9 || m.MtimeSeconds == nil && m.GetMtimeNanos() != 0:
		return meta, fmt.Errorf("%d nanoseconds", m.GetMtimeNanos())
	}
	if m.GetStreamed() {
		meta.Size = tree.Streamed
	}
	if m.MtimeSeconds != nil {
		meta.ModTime = time.Unix(m.GetMtimeSeconds(), int64(m.GetMtimeNanos()))
	}
	if o := m.GetOwner(); o != nil {
		if len(o.GetUser()) > MaxName || len(o.GetGroup()) > MaxName || bytes.ContainsRune(o.GetUser(), 0) || bytes.ContainsRune(o.GetGroup(), 0) {
			return meta, errors.New("an impossible name of its owner")
		}
		meta.Owner = &tree.Owner{UID: o.GetUid(), GID: o.GetGid(), User: string(o.GetUser()), Group: string(o.GetGroup())}
	}
	var err error
	if meta.Xattrs, err = all("attributes", m.GetXattrs(), MaxItems, toXattr); err != nil {
		return meta, err
	}
	sum := 0
	for _, x := range meta.Xattrs {
		sum += len(x.Value)
	}
	if sum > MaxXattr {
		return meta, fmt.Errorf("attributes of %d bytes", sum)
	}
	return meta, nil
}

func fromXattr(x tree.Xattr) *pb.Xattr { return &pb.Xattr{Name: []byte(x.Name), Value: x.Value} }

func toXattr(m *pb.Xattr) (tree.Xattr, error) {
	x := tree.Xattr{Name: string(m.GetName()), Value: m.GetValue()}
	if x.Name == "" || len(x.Name) > MaxName || strings.ContainsRune(x.Name, 0) || len(x.Value) > MaxXattr {
		return x, fmt.Errorf("%.64q of %d bytes", x.Name, len(x.Value))
	}
	return x, nil
}

// modeBits are the bits above the permissions as Unix numbers them.
var modeBits = [...]struct {
	unix uint32
	mode fs.FileMode
}{{0o4000, fs.ModeSetuid}, {0o2000, fs.ModeSetgid}, {0o1000, fs.ModeSticky}}

func fromMode(mode fs.FileMode) uint32 {
	m := uint32(mode.Perm())
	for _, b := range modeBits {
		if mode&b.mode != 0 {
			m |= b.unix
		}
	}
	return m
}

func toMode(m uint32) fs.FileMode {
	mode := fs.FileMode(m) & fs.ModePerm
	for _, b := range modeBits {
		if m&b.unix != 0 {
			mode |= b.mode
		}
	}
	return mode
}

func fromRange(r tree.Range) *pb.Range {
	return &pb.Range{Offset: uint64(r.Off), Length: uint64(r.Len)}
}

// toRanges accepts ranges of a file of size bytes that ascend and do not overlap.
func toRanges(ms []*pb.Range, size int64) ([]tree.Range, error) {
	end := uint64(0)
	return all("ranges", ms, MaxRanges, func(m *pb.Range) (tree.Range, error) {
		off, n := m.GetOffset(), m.GetLength()
		if off < end || off > uint64(size) || n == 0 || n > uint64(size)-off {
			return tree.Range{}, fmt.Errorf("%d bytes at %d, behind %d, of %d", n, off, end, size)
		}
		end = off + n
		return tree.Range{Off: int64(off), Len: int64(n)}, nil
	})
}
