package rdmacp

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/doctor"
	"github.com/rdmacp/rdmacp/internal/fault"
)

// bundleDir is what a bundle is unpacked to.
const bundleDir = "rdmacp-doctor/"

// member is a file of a bundle.
type member struct {
	name  string
	about string // what is in it
	text  []byte
}

// bundleLine says what was written to a bundle.
type bundleLine struct {
	head
	pathField
	Members []string `json:"members"`
}

// bundle writes what was found, and what it was found from.
func (a *app) bundle(name string, host doctor.Host, found []doctor.Finding, p patient) error {
	members, err := a.members(host, found, p)
	if err == nil {
		err = writeBundle(name, members)
	}
	if err != nil {
		return err
	}
	if err := a.tellBundle(name, members); err != nil {
		return stdoutFault(err)
	}
	return nil
}

// free refuses a name that is taken, ahead of checks that take their time. What is there may
// be anything, and the only thing that somebody has of an earlier state.
func free(name string) error {
	if name == "" {
		return nil
	}
	if _, err := os.Lstat(name); err == nil {
		return taken("the bundle " + name)
	}
	return nil
}

// taken is the fault of a new file whose name there is.
func taken(what string) error {
	return usage("writing "+what, errors.New("it is there already"), "give another name, or remove it")
}

// writeBundle writes a new file, which only its owner can read, or none.
func writeBundle(name string, members []member) error {
	packed, err := pack(members)
	if err != nil {
		return err
	}
	return writeNew("the bundle "+name, name, packed, 0o600)
}

// writeNew writes a new file, or none.
func writeNew(what, name string, content []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		return taken(what)
	}
	if err == nil {
		_, err = f.Write(content)
		if err = errors.Join(err, f.Close()); err != nil {
			_ = os.Remove(name)
		}
	}
	if err != nil {
		return fault.New(fault.IO, "writing "+what, bare(err), "see that its directory exists, that you may write there, and that there is space")
	}
	return nil
}

// pack makes a .tar.gz, in which there is no owner.
func pack(members []member) ([]byte, error) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	t := tar.NewWriter(z)
	now := time.Now().Truncate(time.Second)
	for _, m := range members {
		err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: bundleDir + m.name, Mode: 0o644, Size: int64(len(m.text)), ModTime: now})
		if err != nil {
			return nil, err
		}
		if _, err := t.Write(m.text); err != nil {
			return nil, err
		}
	}
	err := errors.Join(t.Close(), z.Close())
	return packed.Bytes(), err
}

// tellBundle says on stdout what was written.
func (a *app) tellBundle(name string, members []member) error {
	line := bundleLine{head: head{jsonVersion, "bundle"}, pathField: newPathField(name)}
	var text strings.Builder
	fmt.Fprintf(&text, "Written to %s, for whoever is to help; look at it before you give it away:\n", console.Escape(name))
	for _, m := range members {
		line.Members = append(line.Members, bundleDir+m.name)
		fmt.Fprintf(&text, "  %-27s %s\n", bundleDir+m.name, m.about)
	}
	if a.opts.json {
		return writeLine(a.io.Stdout, line)
	}
	_, err := io.WriteString(a.io.Stdout, text.String())
	return err
}
