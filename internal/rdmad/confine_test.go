package rdmad

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/server"
)

// What was not writable when the daemon was confined does not become so by a reload.
func TestWritable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"rw", "rw/sub", "ro"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("rw/sub", dir+"/link"); err != nil {
		t.Fatal(err)
	}
	export := func(name string, readOnly bool) server.Export {
		return server.Export{Name: "x", Path: filepath.Join(dir, name), ReadOnly: readOnly}
	}
	started := config{exports: []server.Export{export("rw", false), export("ro", true)}}
	for _, tt := range []struct {
		export server.Export
		ok     bool
	}{
		{export("rw", false), true},
		{export("rw/sub", false), true},
		{export("link", false), true},
		{export("ro", true), true},
		{export("ro", false), false},
		{export("rw-other", false), false},
		{export("", false), false},
		{export("", true), true}, // whether it can be opened shows when it is
	} {
		err := config{exports: []server.Export{tt.export}}.writable(started)
		if (err == nil) != tt.ok || err != nil && fault.CodeOf(err) != fault.Usage {
			t.Errorf("%+v: %v", tt.export, err)
		}
	}
}
