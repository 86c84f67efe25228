package tree

import (
	"io/fs"
	"time"
)

// Kind is what an entry is.
type Kind uint8

// The kinds, numbered as in rdmacp.v1.Kind.
const (
	File        Kind = 1 // a regular file
	Dir         Kind = 2
	Symlink     Kind = 3
	Hardlink    Kind = 4 // one more name of a file whose entry came before
	FIFO        Kind = 5
	Socket      Kind = 6
	CharDevice  Kind = 7
	BlockDevice Kind = 8
)

var kindNames = [...]string{
	File: "file", Dir: "directory", Symlink: "symbolic link", Hardlink: "hard link",
	FIFO: "FIFO", Socket: "socket", CharDevice: "character device", BlockDevice: "block device",
}

// String names the kind for a person.
func (k Kind) String() string {
	if !k.Known() {
		return "something unknown"
	}
	return kindNames[k]
}

// Known reports whether k is one of the kinds above.
func (k Kind) Known() bool { return k >= File && int(k) < len(kindNames) }

// Entry is one thing in a tree that is copied. The source numbers entries from 1
// on, in the order in which it tells of them, directories ahead of what they hold;
// the sink knows a directory by its number. So no path is ever resolved twice, and
// a name is always a leaf.
type Entry struct {
	ID     int64
	Parent int64  // ID of the directory that it is in; 0: where the copy lands
	Name   string // leaf, any bytes but NUL and slash; empty where the copy lands is meant itself (Parent 0, a Dir)
	Kind   Kind
	Meta   Meta
	Link   string  // Symlink: what it says
	First  int64   // Hardlink: ID of the File that it is one more name of
	Linked bool    // File: it has more names, so that Hardlinks to it may follow
	Data   []Range // File with holes: where its bytes are, in ascending order; nil: everywhere
}

// Meta is what is kept of an entry besides its name and bytes.
type Meta struct {
	// Size is a file's length in bytes; Streamed where it is not known before
	// the last byte was read.
	Size int64

	// Mode has the permission bits, and fs.ModeSetuid, fs.ModeSetgid and
	// fs.ModeSticky.
	Mode fs.FileMode

	// ModTime is the time of the last change, to the nanosecond; it is left
	// alone where ModTime is zero.
	ModTime time.Time

	// Allocated is what the file takes on disk, in bytes: less than Size where
	// the file has holes or is compressed. Zero means that it is not known.
	Allocated int64

	// Device and Inode tell files of the source's host apart: a file that was
	// replaced by another of the same size and time is another one to Resume.
	Device, Inode uint64

	// Changed is when anything of the file changed last, its name and mode too, in
	// nanoseconds since 1970; zero where it is not known. Nobody can set it, so that
	// it betrays a file that was rewritten with its old ModTime.
	Changed int64

	Owner  *Owner  // nil: not kept
	Major  uint32  // of a device
	Minor  uint32  // of a device
	Xattrs []Xattr // extended attributes, ACLs among them
}

// Streamed is the size of a file that comes out of a pipe.
const Streamed = -1

// Owner is who owns an entry. A name goes over to the other host's user of that
// name; a number stands where there is no such user, or none is sent.
type Owner struct {
	UID, GID    uint32
	User, Group string // may be empty; the source sends a name once for each number
}

// Xattr is an extended attribute.
type Xattr struct {
	Name  string
	Value []byte
}

// Ranges returns where the entry's bytes are.
func (e Entry) Ranges() []Range {
	switch {
	case e.Data != nil:
		return e.Data
	case e.Meta.Size <= 0:
		return nil
	}
	return []Range{{0, e.Meta.Size}}
}

// Dense reports whether the file has no holes, as far as is known.
func (m Meta) Dense() bool { return m.Allocated == 0 || m.Allocated >= m.Size }

// Need returns the room that the file is known to take, in bytes.
func (m Meta) Need() int64 {
	if m.Dense() {
		return max(m.Size, 0)
	}
	return m.Allocated
}
