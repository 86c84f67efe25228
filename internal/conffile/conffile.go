// Package conffile reads the files that rdmacp and rdmad are configured by: TOML, in which
// a key that means nothing is an error, and how such a file is written.
package conffile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/knadh/koanf/parsers/toml/v2"
	"github.com/knadh/koanf/v2"
	tomlerr "github.com/pelletier/go-toml/v2"

	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/fault"
)

// Delim parts keys from keys below them: names of exports and of hosts have dots, and no
// slash.
const Delim = "/"

// Form is what a file may hold.
type Form struct {
	Program string // whose file it is, for messages
	Keys    []string
	Tables  []Table
}

// Table is what tables of a kind may hold: [KIND.NAME].
type Table struct {
	Kind string
	Form string // how one is written, for messages
	Keys []string
}

// Load reads a file. Where trusted is not nil, it says whether the file is one to go by.
func (f Form) Load(k *koanf.Koanf, name string, trusted func(fs.FileInfo) error) error {
	what := "reading " + name
	text, err := read(name, trusted)
	if refused := (*untrusted)(nil); errors.As(err, &refused) {
		return fault.New(fault.Usage, what, refused.why, "look at what is in it, then let nobody else write to it: chown it to yourself, chmod go-w "+name)
	}
	if err == nil {
		err = k.Load(text, toml.Parser())
	}
	if err != nil {
		fix := "see that the file exists and that " + f.Program + " may read it"
		if where := position(err); where != "" {
			err, fix = errors.New(where+": "+err.Error()), "the file is TOML; see "+f.Program+" --help for an example"
		}
		return fault.New(fault.Usage, what, err, fix)
	}
	return f.check(name, k.Raw())
}

// source is the text of a file, as koanf takes it.
type source []byte

// ReadBytes is koanf's.
func (s source) ReadBytes() ([]byte, error) { return s, nil }

// Read is koanf's.
func (s source) Read() (map[string]any, error) { return nil, errors.New("there is no parser") }

// untrusted is why a file is not one to go by.
type untrusted struct{ why error }

// Error says so.
func (u *untrusted) Error() string { return u.why.Error() }

// read reads the file that was looked at, and no other of its name.
func read(name string, trusted func(fs.FileInfo) error) (source, error) {
	f, err := os.Open(name) //nolint:gosec // it is what the user, or a default, has named
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	if trusted != nil {
		info, err := f.Stat()
		if err != nil {
			return nil, err
		}
		if err := trusted(info); err != nil {
			return nil, &untrusted{err}
		}
	}
	return io.ReadAll(f)
}

// position is where in a file the error is; empty if it does not say.
func position(err error) string {
	var d *tomlerr.DecodeError
	if !errors.As(err, &d) {
		return ""
	}
	line, column := d.Position()
	return fmt.Sprintf("line %d, column %d", line, column)
}

// check refuses keys that mean nothing: a key with a slip of the pen in it would otherwise
// leave its default in force without a word.
func (f Form) check(file string, m map[string]any) error {
	known := slices.Clone(f.Keys)
	for _, t := range f.Tables {
		known = append(known, t.Kind)
	}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if !slices.Contains(known, key) {
			return unknown(file, key, key, known)
		}
	}
	for _, t := range f.Tables {
		if err := t.check(file, m); err != nil {
			return err
		}
	}
	return nil
}

// check refuses what is not known of the tables of a kind.
func (t Table) check(file string, m map[string]any) error {
	if m[t.Kind] == nil {
		return nil
	}
	tables, ok := m[t.Kind].(map[string]any)
	if !ok {
		return t.missing(file, t.Kind)
	}
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		table, ok := tables[name].(map[string]any)
		if !ok {
			return t.missing(file, t.Kind+"."+name)
		}
		for _, key := range slices.Sorted(maps.Keys(table)) {
			if slices.Contains(t.Keys, key) {
				continue
			}
			if _, deeper := table[key].(map[string]any); deeper {
				return fault.New(fault.Usage, "reading "+file, fmt.Errorf("%q is not a table of its own", t.Kind+"."+name+"."+key),
					fmt.Sprintf("a name with dots in it is quoted: [%s.%q]", t.Kind, name+"."+key))
			}
			return unknown(file, t.Kind+"."+name+"."+key, key, t.Keys)
		}
	}
	return nil
}

// missing is the fault of a value where a table has to be.
func (t Table) missing(file, path string) error {
	return fault.New(fault.Usage, "reading "+file, fmt.Errorf("%q is not a table", path), t.Form)
}

// unknown is the fault of a key that means nothing.
func unknown(file, path, key string, known []string) error {
	fix := fmt.Sprintf("the keys are %q", known)
	if near := console.Nearest(key, known); near != "" {
		fix = fmt.Sprintf("did you mean %s?", near)
	}
	return fault.New(fault.Usage, "reading "+file, fmt.Errorf("there is no key %q", path), fix)
}

// Setting is what a key belongs to: itself, or KIND/NAME.
func Setting(key string) string {
	parts := strings.SplitN(key, Delim, 3)
	return strings.Join(parts[:min(len(parts), 2)], Delim)
}

// Variable is the key that a variable of the environment stands for.
func Variable(prefix, name string) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, prefix), "_", "-"))
}
