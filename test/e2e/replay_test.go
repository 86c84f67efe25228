//go:build linux

package e2e

import (
	"path/filepath"
	"strings"
)

// replay runs each copy again that has left a journal, as who started it would, once nothing is in its way any more: what
// the journal says has to lead to the whole file.
func (tr *trial) replay() {
	t := tr.t
	t.Helper()
	for _, d := range tr.dests {
		dir, leaf := filepath.Split(d.path)
		journal := dir + "." + leaf + ".rdmacp-journal"
		if out, err := d.host.sh("test ! -e '%s' || echo left", journal); err != nil || strings.TrimSpace(out) == "" {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		now, err := digests(d.source.host, d.source.path)
		if err != nil || now[d.source.path] == absent {
			t.Logf("%s stays as it is: its source is gone (%v)", journal, err)
			continue
		}
		d.source.sum = now[d.source.path] // a test may have changed it
		c := tr.start(d)
		c.once.Do(func() {}) // it is no answer to the test's fault
		r := c.wait()
		t.Logf("%s: exit %d after %.1f s, %d bytes resumed", journal, r.exit, r.seconds, lastField(r.stdout, "resumed"))
		if r.exit != 0 {
			t.Errorf("a copy that %s is left of does not go on: exit %d\n%s", journal, r.exit, r.stderr)
		}
	}
}
