package storage

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/rdmacp/rdmacp/internal/tree"
)

// A journal says which bytes of a partial file are right. It lies beside it, and
// only who has locked the partial file touches it.
//
// It is a magic word and records: the first tells which file it is that is copied,
// the others who copies it and what is there. Each carries a digest of itself that
// hangs on the first one's; from the first record that is not whole or not right
// on, the journal is taken for ended. Even so nobody believes it: what it says to
// be there is read and compared before it is used.
const journalMagic = "rdmacpJ\x02"

// The kinds of records.
const (
	recordSource byte = 'S' // what is copied
	recordWriter byte = 'W' // who does it from here on
	recordRange  byte = 'R' // a range that is on stable storage
)

const (
	recordHead = 3 // kind and length
	recordTail = 8 // digest
	rangeSize  = 8 + 8 + 16
)

// identity tells a source's file apart from what it was before.
type identity struct {
	Size          int64
	Sec           int64
	Nsec          int32
	Device, Inode uint64
	Changed       int64
}

func identityOf(m tree.Meta) identity {
	return identity{m.Size, m.ModTime.Unix(), int32(m.ModTime.Nanosecond()), m.Device, m.Inode, m.Changed}
}

// differs says in what a source's file is not the one that it was; empty if it is.
func (was identity) differs(now identity) string {
	switch {
	case was.Size != now.Size:
		return fmt.Sprintf("the source's size went from %d to %d bytes", was.Size, now.Size)
	case was.Sec != now.Sec || was.Nsec != now.Nsec:
		return "the source was modified at " + time.Unix(now.Sec, int64(now.Nsec)).Format(layout) + " since"
	case was.Device != now.Device || was.Inode != now.Inode:
		return "the source is another file now"
	case was.Changed != now.Changed: // a mode or a name that was changed looks the same
		return "the source may have been rewritten with its old time at " + time.Unix(0, now.Changed).Format(layout)
	}
	return ""
}

// writer is a process that copies.
type writer struct {
	Program, Host string
	PID           int64
	Since         time.Time
}

func (w writer) String() string {
	return fmt.Sprintf("%s on %s, process %d, since %s", shown(w.Program), shown(w.Host), w.PID, w.Since.Format(time.DateTime))
}

// encode returns a record. Seed is the digest of the first record; zero for that.
func encode(kind byte, payload []byte, seed uint64) []byte {
	b := make([]byte, 0, recordHead+len(payload)+recordTail)
	b = append(b, kind)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(payload)))
	b = append(b, payload...)
	return binary.LittleEndian.AppendUint64(b, xxh3.HashSeed(b, seed))
}

func encodeSource(id identity) []byte {
	var b []byte
	b, _ = binary.Append(b, binary.LittleEndian, id) // has a fixed size
	return encode(recordSource, b, 0)
}

func encodeWriter(w writer, seed uint64) []byte {
	var b []byte
	b = binary.LittleEndian.AppendUint64(b, uint64(w.PID))
	b = binary.LittleEndian.AppendUint64(b, uint64(w.Since.UnixNano()))
	program := clip(w.Program)
	b = append(b, byte(min(len(program), 255)))
	b = append(b, program[:min(len(program), 255)]...)
	b = append(b, clip(w.Host)...)
	return encode(recordWriter, b, seed)
}

func encodeRange(s sum, seed uint64) []byte {
	b := make([]byte, 0, rangeSize)
	b = binary.LittleEndian.AppendUint64(b, uint64(s.Off))
	b = binary.LittleEndian.AppendUint64(b, uint64(s.Len))
	b = append(b, s.digest[:]...)
	return encode(recordRange, b, seed)
}

// chronicle is what a journal says.
type chronicle struct {
	source identity
	writer writer // the last one
	seed   uint64
	ranges []sum
	end    int64 // of what is whole
}

var errNoJournal = errors.New("not a journal")

// decode reads a journal, up to where it is not whole any more. Where not even the
// first record is, it is errNoJournal.
func decode(from io.Reader) (*chronicle, error) {
	in := bufio.NewReaderSize(from, 64<<10)
	magic := make([]byte, len(journalMagic))
	if _, err := io.ReadFull(in, magic); err != nil || string(magic) != journalMagic {
		return nil, errNoJournal
	}
	r, err := nextRecord(in, 0)
	c := &chronicle{seed: r.check, end: int64(len(journalMagic))}
	if err != nil || r.kind != recordSource || len(r.payload) != binary.Size(c.source) {
		return nil, errNoJournal
	}
	if _, err := binary.Decode(r.payload, binary.LittleEndian, &c.source); err != nil {
		return nil, errNoJournal
	}
	for {
		c.end += r.size()
		if r, err = nextRecord(in, c.seed); err != nil || !c.take(r.kind, r.payload) {
			return c, nil //nolint:nilerr // what came before is good
		}
	}
}

// record is what nextRecord has read.
type record struct {
	kind    byte
	payload []byte
	check   uint64
}

// size is how many bytes the record takes.
func (r record) size() int64 { return int64(recordHead + len(r.payload) + recordTail) }

// nextRecord reads a record and checks it.
func nextRecord(in io.Reader, seed uint64) (record, error) {
	var head [recordHead]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return record{}, err
	}
	n := recordHead + int(binary.LittleEndian.Uint16(head[1:]))
	b := make([]byte, n+recordTail)
	copy(b, head[:])
	if _, err := io.ReadFull(in, b[recordHead:]); err != nil {
		return record{}, err
	}
	check := binary.LittleEndian.Uint64(b[n:])
	if check != xxh3.HashSeed(b[:n], seed) {
		return record{}, errNoJournal
	}
	return record{b[0], b[recordHead:n], check}, nil
}

// take heeds a record that is whole, and reports whether it makes sense.
func (c *chronicle) take(kind byte, p []byte) bool {
	switch {
	case kind == recordRange && len(p) == rangeSize:
		s := sum{Range: tree.Range{
			Off: int64(binary.LittleEndian.Uint64(p)), Len: int64(binary.LittleEndian.Uint64(p[8:])),
		}}
		copy(s.digest[:], p[16:])
		if s.Off < 0 || s.Len <= 0 || s.Len > c.source.Size-s.Off {
			return false
		}
		c.ranges = append(c.ranges, s)
		return true
	case kind == recordWriter && len(p) >= 17 && len(p) >= 17+int(p[16]):
		n := 17 + int(p[16])
		c.writer = writer{
			PID: int64(binary.LittleEndian.Uint64(p)), Since: time.Unix(0, int64(binary.LittleEndian.Uint64(p[8:]))),
			Program: string(p[17:n]), Host: string(p[n:]),
		}
		return true
	}
	return false
}
