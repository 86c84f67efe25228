//go:build linux

package e2e

import (
	"regexp"
	"testing"
)

// TestConfined has Landlock keep the daemon to what it exports; that it still serves, all
// the other tests show.
func TestConfined(t *testing.T) {
	tr := newTrial(t)
	if log := tr.lab.daemon.log; !regexp.MustCompile(`"msg":"confined","landlock_abi":([2-9]|[1-9][0-9])\b`).MatchString(log.String()) {
		t.Errorf("the daemon does not say that it is confined:\n%s", log)
	}
}
