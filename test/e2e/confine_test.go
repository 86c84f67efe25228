//go:build linux

package e2e

import "testing"

// TestConfined has Landlock keep the daemon to what it exports; that it still serves, all
// the other tests show.
func TestConfined(t *testing.T) {
	tr := newTrial(t)
	if log := tr.lab.daemon.log; !log.has(`"msg":"confined","landlock_abi":6`) {
		t.Errorf("the daemon does not say that it is confined:\n%s", log)
	}
}
