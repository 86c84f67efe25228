package conffile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/knadh/koanf/v2"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// What is written can be read, whatever is in it.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	w := NewWriter(&b, true)
	w.Line("text", "a\"b\\c\n\tÄ", "here")
	w.Line("list", []string{"a", "b c"}, "here")
	w.Line("number", 3, "here")
	for _, name := range []string{"plain-1_2", "with.dots", "with space", "Ä", ""} {
		w.Table("host", name)
		w.Line("on", true, "there")
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "x.toml")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	k := koanf.New(Delim)
	f := Form{Program: "test", Keys: []string{"text", "list", "number"}, Tables: []Table{{Kind: "host", Keys: []string{"on"}}}}
	if err := f.Load(k, file, nil); err != nil {
		t.Fatalf("%v:\n%s", err, &b)
	}
	on := map[string]any{"on": true}
	want := map[string]any{
		"text": "a\"b\\c\n\tÄ", "list": []any{"a", "b c"}, "number": int64(3),
		"host": map[string]any{"plain-1_2": on, "with.dots": on, "with space": on, "Ä": on, "": on},
	}
	if diff := cmp.Diff(want, k.Raw()); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(b.String(), "[host.\"plain") || !strings.Contains(b.String(), "# there") {
		t.Errorf("it is written as\n%s", &b)
	}
}

// A file that is not to be trusted is not looked into.
func TestUntrusted(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "x.toml")
	if err := os.WriteFile(file, []byte("no TOML"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := Form{Program: "test"}.Load(koanf.New(Delim), file, func(fs.FileInfo) error { return errors.New("it is a trap") })
	if f, ok := fault.As(err); !ok || !strings.Contains(f.Error(), "it is a trap") || !strings.Contains(f.Fix, "chmod") {
		t.Errorf("%v", err)
	}
}
