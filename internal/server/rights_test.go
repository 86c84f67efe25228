package server_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/server"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
)

// Who is not among read and write of an export cannot do it, by the export's name or by
// its path; write means read, too.
func TestRights(t *testing.T) {
	t.Parallel()
	me, other := []string{"nobody", "anon*"}, []string{"alice", "anonymous2"}
	for name, tt := range map[string]struct {
		rights     server.Rights
		read, both bool
	}{
		"nothing said":     {server.Rights{}, true, true},
		"reads":            {server.Rights{Read: me}, true, false},
		"reads, not alone": {server.Rights{Read: me, Write: other}, true, false},
		"writes":           {server.Rights{Write: me}, true, true},
		"others write":     {server.Rights{Write: other}, false, false},
		"others read":      {server.Rights{Read: other}, false, false},
		"nobody":           {server.Rights{Read: []string{}}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := start(t, memory.Faults{}, func(c *server.Config) { c.Exports[0].Rights = tt.rights })
			data := noise(1000)
			must(t, os.WriteFile(filepath.Join(d.dir, "there"), data, 0o600))
			for _, from := range []client.Target{to("there"), {Path: filepath.Join(d.dir, "there")}} {
				local, _, err := get(t.Context(), t, d.dial(t, transport.Get), from, nil)
				if !tt.read {
					d.says(t, err, "anonymous", "data")
					continue
				}
				must(t, err)
				holds(t, local, data)
			}
			_, err := put(t.Context(), t, d.dial(t, transport.Put), data, to("new"), nil)
			if !tt.both {
				d.says(t, err, "new")
				lists(t, d.dir, "sub", "there")
			} else {
				must(t, err)
				holds(t, filepath.Join(d.dir, "new"), data)
			}
			j := job(nil)
			j.Engine.Remove = true
			_, err = getTree(t.Context(), t, d.dial(t, transport.Get), filepath.Join(t.TempDir(), "moved"), j, to("there"))
			if tt.both {
				must(t, err)
				return
			}
			failsWith(t, err, fault.Denied)
			holds(t, filepath.Join(d.dir, "there"), data)
		})
	}
}

// says checks a refusal. No name of another export is given away.
func (d *daemon) says(t *testing.T, err error, words ...string) {
	t.Helper()
	f := failsWith(t, err, fault.Denied)
	for _, w := range words {
		if w != "anonymous" && !strings.Contains(f.What+f.Why.Error(), w) {
			t.Errorf("%v does not say %q", err, w)
		}
	}
}

// What is not for a client is not told of either.
func TestRightsHide(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{}, func(c *server.Config) { c.Exports[1].Read = []string{"alice"} })
	_, _, err := get(t.Context(), t, d.dial(t, transport.Get), client.Target{Export: "none", Path: "x"}, nil)
	if f := failsWith(t, err, fault.NotExport); !strings.Contains(f.Why.Error(), "exports data (") || strings.Contains(f.Why.Error(), "ro") && strings.Contains(f.Why.Error(), d.ro) {
		t.Errorf("it says: %v", f.Why)
	}
}
