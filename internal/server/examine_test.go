package server_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/mtls"
	"github.com/rdmacp/rdmacp/internal/server"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
	"github.com/rdmacp/rdmacp/internal/wire"
)

// A client hears what it may do, and of the disk below a directory that it may write to.
// Nothing is left there, and nothing is written where it may not.
func TestExamine(t *testing.T) {
	t.Parallel()
	found := wire.Check{ID: "ports", Status: wire.CheckWarn, Observed: "narrow", Expected: "wide", Fix: "widen"}
	d := start(t, memory.Faults{}, func(c *server.Config) {
		hidden := server.Export{Name: "hidden", Path: t.TempDir(), Rights: server.Rights{Read: []string{"alice"}}}
		c.Exports = append(c.Exports, hidden)
		c.Checks = func() []wire.Check { return []wire.Check{found} }
	})
	must(t, os.WriteFile(filepath.Join(d.dir, "file"), nil, 0o600))
	look := func(at *client.Target) (client.Examined, error) {
		return client.Examine(t.Context(), d.options(transport.Put), at)
	}
	e, err := look(nil)
	must(t, err)
	want := []wire.Reachable{{Name: "data", Writable: true}, {Name: "ro"}}
	if !slices.Equal(e.Exports, want) || e.Version != "v-daemon" || !slices.Equal(e.Checks, []wire.Check{found}) || e.Volume != nil || e.Ahead.Abs() > time.Second {
		t.Errorf("%+v", e)
	}
	for _, at := range []client.Target{to(""), to("sub"), {Path: d.dir}} {
		e, err := look(&at)
		must(t, err)
		if v := e.Volume; v == nil || v.Kind == "" || v.Untried == "" && !v.Memory && v.Wrote == 0 {
			t.Errorf("%+v: %+v", at, v)
		}
	}
	e, err = look(&client.Target{Export: "ro"})
	must(t, err)
	if e.Volume.Kind == "" || e.Volume.Wrote != 0 {
		t.Errorf("a read-only export: %+v", e.Volume)
	}
	for at, code := range map[client.Target]fault.Code{
		to("file"): fault.NotFound, to("none"): fault.NotFound, to("../ro"): fault.Usage, {Export: "nix"}: fault.NotExport,
		{Export: "hidden"}: fault.Denied, {Path: d.outer}: fault.NotExport, {Path: "relative"}: fault.Protocol,
	} {
		if e, err := look(&at); fault.CodeOf(err) != code {
			t.Errorf("%+v: %+v, %v", at, e, err)
		}
	}
	left, err := os.ReadDir(d.dir)
	must(t, err)
	if len(left) != 2 {
		t.Errorf("left there: %v", left)
	}
}

// What is wrong with a host is for those only who copy from or to it.
func TestExamineTellsNoStranger(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{}, func(c *server.Config) {
		for i := range c.Exports {
			c.Exports[i].Rights = server.Rights{Read: []string{"alice"}, Write: []string{"bob"}}
		}
		c.Checks = func() []wire.Check { return []wire.Check{{ID: "ports", Status: wire.CheckOK}} }
	})
	e, err := client.Examine(t.Context(), d.options(transport.Put), nil)
	must(t, err)
	if len(e.Checks)+len(e.Exports) > 0 {
		t.Errorf("%+v", e)
	}
}

// Where a client's rate is limited, no disk is written to for it.
func TestExamineLimited(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{}, func(c *server.Config) {
		c.Limits = []server.Limit{{Match: []string{mtls.Anonymous}, Rate: 1 << 20}}
	})
	at := to("")
	e, err := client.Examine(t.Context(), d.options(transport.Put), &at)
	must(t, err)
	if e.Volume.Kind == "" || e.Volume.Wrote != 0 {
		t.Errorf("%+v", e.Volume)
	}
}
