package cpio

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// An entry, by the format's description: a magic number, 13 fields, the name, and padding to four bytes.
func TestFileEntry(t *testing.T) {
	var out bytes.Buffer
	w := NewWriter(&out)
	if err := w.File("init", 0o755, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	want := "070701" +
		"00000001" + "000081ED" + // inode, mode
		"00000000" + "00000000" + "00000001" + "00000000" + // uid, gid, links, mtime
		"00000005" + // size
		"00000000" + "00000000" + "00000000" + "00000000" + // devices
		"00000005" + "00000000" + // length of the name with its NUL, checksum
		"init\x00" + "\x00" + "hello" + "\x00\x00\x00"
	if got := out.String(); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestArchiveIsPaddedAndEnds(t *testing.T) {
	var out bytes.Buffer
	w := NewWriter(&out)
	for _, name := range []string{"a", "ab", "abc", "abcd"} {
		if err := w.Dir(name, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := w.Symlink(name+"l", name); err != nil {
			t.Fatal(err)
		}
		if out.Len()%4 != 0 {
			t.Errorf("after %q the archive has %d bytes", name, out.Len())
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String()[out.Len()-16:], "TRAILER!!!") {
		t.Errorf("no trailer at the end of %q", out.String()[out.Len()-32:])
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestErrorSticks(t *testing.T) {
	full := errors.New("full")
	w := NewWriter(failing{full})
	_ = w.Dir("dev", 0o755)
	if err := w.Close(); !errors.Is(err, full) {
		t.Errorf("Close returned %v, want %v", err, full)
	}
}
