// Package cpio writes archives in cpio's "newc" format, the one that Linux unpacks into its first root.
package cpio

import (
	"fmt"
	"io"
)

// The file types of newc's mode field; they are those of stat(2).
const (
	typeDir     = 0o040000
	typeRegular = 0o100000
	typeSymlink = 0o120000
)

const trailer = "TRAILER!!!"

// Writer writes one archive. Close ends it with the trailer; a Writer remembers its first error and keeps to it.
type Writer struct {
	w     io.Writer
	inode uint32
	size  int64
	err   error
}

// NewWriter returns a Writer of an archive to w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Dir adds an empty directory. Its parents must have been added before.
func (w *Writer) Dir(name string, perm uint32) error {
	return w.entry(name, typeDir|perm, nil)
}

// File adds a regular file.
func (w *Writer) File(name string, perm uint32, data []byte) error {
	return w.entry(name, typeRegular|perm, data)
}

// Symlink adds a symbolic link to target.
func (w *Writer) Symlink(name, target string) error {
	return w.entry(name, typeSymlink|0o777, []byte(target))
}

// Close writes the trailer. It does not close the underlying writer.
func (w *Writer) Close() error { return w.entry(trailer, 0, nil) }

// entry writes a header of thirteen 8-digit hexadecimal fields, the name and the data, each padded to four bytes.
func (w *Writer) entry(name string, mode uint32, data []byte) error {
	w.inode++
	links := 1
	w.printf("070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s\x00",
		w.inode, mode, 0, 0, links, 0, len(data), 0, 0, 0, 0, len(name)+1, 0, name)
	w.pad()
	w.write(data)
	w.pad()
	if w.err != nil {
		return fmt.Errorf("cpio: write %q: %w", name, w.err)
	}
	return nil
}

func (w *Writer) printf(format string, args ...any) { w.write(fmt.Appendf(nil, format, args...)) }

func (w *Writer) pad() { w.write(make([]byte, -w.size&3)) }

func (w *Writer) write(p []byte) {
	if w.err != nil {
		return
	}
	n, err := w.w.Write(p)
	w.size += int64(n)
	w.err = err
}
