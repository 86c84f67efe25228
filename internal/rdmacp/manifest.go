package rdmacp

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// sumLine is a file's digest as b3sum and sha256sum write and check it: a name
// that could break the line is escaped, and a backslash in front says so.
func sumLine(sum []byte, path string) string {
	mark := ""
	if strings.ContainsAny(path, "\\\n\r") {
		mark = `\`
		path = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`).Replace(path)
	}
	return mark + hex.EncodeToString(sum) + "  " + path + "\n"
}

// manifest is the file that --manifest names. It is there once it is complete.
type manifest struct {
	name string
	temp *os.File // nil: it is through
	w    *bufio.Writer
	err  error
}

// newManifest begins a manifest beside the file that it will be.
func newManifest(name string) (*manifest, error) {
	dir, leaf := filepath.Split(name)
	m := &manifest{name: name}
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return nil, m.failed(errors.New("there is something else of that name"))
	}
	if dir == "" {
		dir = "."
	}
	// Not os.CreateTemp, lest nobody else may read it: the umask decides.
	temp, err := os.OpenFile(filepath.Join(dir, fmt.Sprintf(".%s.%08x", leaf, rand.Uint32())), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, m.failed(err)
	}
	m.temp, m.w = temp, bufio.NewWriter(temp)
	return m, nil
}

func (m *manifest) failed(err error) error {
	return fault.New(fault.IO, "writing the manifest "+m.name, bare(err), "name a file in a directory of this host that can be written to")
}

// add adds a line.
func (m *manifest) add(sum []byte, path string) {
	if m.err == nil {
		_, m.err = m.w.WriteString(sumLine(sum, path))
	}
}

// anew forgets the lines that were added.
func (m *manifest) anew() {
	m.w.Reset(m.temp)
	_, err := m.temp.Seek(0, io.SeekStart)
	m.err = errors.Join(err, m.temp.Truncate(0))
}

// finish puts the manifest into place.
func (m *manifest) finish() error {
	temp := m.temp
	m.temp = nil
	err := errors.Join(m.err, m.w.Flush(), temp.Sync())
	if err = errors.Join(err, temp.Close()); err == nil {
		err = os.Rename(temp.Name(), m.name)
	}
	if err != nil {
		return m.failed(errors.Join(err, os.Remove(temp.Name())))
	}
	return nil
}

// drop gives up a manifest that was not finished.
func (m *manifest) drop() {
	if m == nil || m.temp == nil {
		return
	}
	_ = m.temp.Close() // it goes anyway
	_ = os.Remove(m.temp.Name())
	m.temp = nil
}

// told are the hard links whose files' digests are not known yet, and the digests
// of files that may have such links.
type told struct {
	sums  map[int64][]byte
	later map[int64][]string
}

// sum notes the digest of a file that has more names, and returns those that came
// before it.
func (t *told) sum(id int64, sum []byte) []string {
	if t.sums == nil {
		t.sums = map[int64][]byte{}
	}
	t.sums[id] = sum
	names := t.later[id]
	delete(t.later, id)
	return names
}

// link returns the digest of the file that path is one more name of; nil if it is
// not known yet.
func (t *told) link(path string, first int64) []byte {
	if sum := t.sums[first]; sum != nil {
		return sum
	}
	if t.later == nil {
		t.later = map[int64][]string{}
	}
	t.later[first] = append(t.later[first], path)
	return nil
}

// hexSum is a digest with its algorithm's name, as JSON has it.
func hexSum(algorithm string, sum []byte) string {
	if sum == nil {
		return ""
	}
	return fmt.Sprintf("%s:%x", algorithm, sum)
}
