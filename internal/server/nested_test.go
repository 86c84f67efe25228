package server_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rdmacp/rdmacp/internal/server"
)

// No export gives rights to what another one, which lies in it, keeps back: a daemon that
// is told to is not started.
func TestNestedExports(t *testing.T) {
	t.Parallel()
	alice, both := []string{"alice"}, []string{"alice", "bob"}
	for name, tt := range map[string]struct {
		outer, inner server.Export
		wrong        bool
	}{
		"the same":              {server.Export{}, server.Export{}, false},
		"inner read-only":       {server.Export{}, server.Export{ReadOnly: true}, true},
		"outer read-only":       {server.Export{ReadOnly: true}, server.Export{}, false},
		"inner for some":        {server.Export{}, server.Export{Rights: server.Rights{Write: alice}}, true},
		"inner for fewer":       {server.Export{Rights: server.Rights{Write: both}}, server.Export{Rights: server.Rights{Write: alice}}, true},
		"inner for more":        {server.Export{Rights: server.Rights{Write: alice}}, server.Export{Rights: server.Rights{Write: both}}, false},
		"inner for all":         {server.Export{Rights: server.Rights{Write: alice}}, server.Export{}, false},
		"inner to read":         {server.Export{Rights: server.Rights{Write: alice}}, server.Export{Rights: server.Rights{Read: alice}}, true},
		"outer to read":         {server.Export{Rights: server.Rights{Read: alice}}, server.Export{Rights: server.Rights{Write: alice}}, false},
		"inner for nobody":      {server.Export{Rights: server.Rights{Read: alice}}, server.Export{Rights: server.Rights{Read: []string{}}}, true},
		"inner behind a link":   {server.Export{}, server.Export{Path: "link", ReadOnly: true}, true},
		"the same directory":    {server.Export{}, server.Export{Path: "data", ReadOnly: true}, false},
		"a name that begins so": {server.Export{}, server.Export{Path: "data2", ReadOnly: true}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			must(t, os.MkdirAll(filepath.Join(dir, "data/sub"), 0o700))
			must(t, os.Mkdir(filepath.Join(dir, "data2"), 0o700))
			must(t, os.Symlink("data/sub", filepath.Join(dir, "link")))
			if tt.inner.Path == "" {
				tt.inner.Path = "data/sub"
			}
			tt.outer.Name, tt.outer.Path = "outer", filepath.Join(dir, "data")
			tt.inner.Name, tt.inner.Path = "inner", filepath.Join(dir, tt.inner.Path)
			s, err := server.New(server.Config{MaxSessions: 1, Exports: []server.Export{tt.inner, tt.outer}})
			if err == nil {
				must(t, s.Close())
			}
			if (err != nil) != tt.wrong {
				t.Fatalf("starting it ends with %v", err)
			}
			if err != nil && !strings.Contains(err.Error(), `"inner" lies in "outer"`) {
				t.Error(err)
			}
		})
	}
}
