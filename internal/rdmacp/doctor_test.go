package rdmacp

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/rdmacp/rdmacp/internal/doctor"
	"github.com/rdmacp/rdmacp/internal/fault"
)

// What is not good is told with what is expected, and what to do; --json has what is expected
// of whatever was looked at.
func TestTellFinding(t *testing.T) {
	t.Parallel()
	for want, f := range map[string]doctor.Finding{
		"[  ok] kernel       6.12\n": {ID: "kernel", Status: doctor.OK, Observed: "6.12", Expected: "6.2"},
		"[skip] tls          none\n": {ID: "tls", Status: doctor.Skip, Observed: "none", Expected: "one"},
		"[warn] device-node  a\\x1b\n" + "                    expected: b\n" + "                    fix: c\n": {ID: "device-node", Status: doctor.Warn, Observed: "a\x1b", Expected: "b", Fault: &fault.Error{Fix: "c"}},
	} {
		var out bytes.Buffer
		a := &app{io: IO{Stdout: &out}}
		if err := a.tell(f); err != nil || out.String() != want {
			t.Errorf("%v, got:\n%s\nwant:\n%s", err, &out, want)
		}
		out.Reset()
		a.opts.json = true
		var line checkLine
		if err := a.tell(f); err != nil || json.Unmarshal(out.Bytes(), &line) != nil || line.Expected != f.Expected || line.Observed != f.Observed {
			t.Errorf("%v: %s", err, &out)
		}
	}
}
