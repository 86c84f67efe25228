//go:build linux

package e2e

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// TestSwizzle stops some of a copy's queue pairs, one by one, and lets them go on in another order, again and again: no
// chunk is left lying, and the copy is whole. (FoundationDB calls this swizzle-clogging. Which queue pair a packet is of
// shows in its UDP source port.)
func TestSwizzle(t *testing.T) {
	needsTime(t)
	eachWay(t, (*trial).bigFile, func(tr *trial, c *copying) {
		stops := 0
		for _, n := range tr.lab.nodes() {
			n.byQueuePair(tr.t)
		}
		for again := true; again; {
			n := tr.lab.nodes()[rand.IntN(2)]
			some := rand.Perm(4)[:1+rand.IntN(4)]
			for _, q := range some {
				must(tr.t, n, "nft add rule inet swizzle q%d counter drop", q)
				time.Sleep(rand.N(300 * time.Millisecond))
			}
			stops += len(some)
			rand.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
			for _, q := range some {
				must(tr.t, n, "nft flush chain inet swizzle q%d", q)
				time.Sleep(rand.N(300 * time.Millisecond))
			}
			select {
			case <-c.done:
				again = false
			default:
			}
		}
		r := c.wait()
		r.copied(tr.t)
		tr.t.Logf("%d stops; %s", stops, strings.ReplaceAll(strings.TrimSpace(r.stderr), "\n", " | "))
		if stops < 10 {
			tr.t.Errorf("the copy was over after %d stops", stops)
		}
	}, "--qps=8", "--bwlimit=2MiB", "--chunk-size=64KiB", "--retry-for=60s")
}

// byQueuePair has what comes in by RoCE pass one of four chains, by its queue pair.
func (n *node) byQueuePair(t *testing.T) {
	t.Helper()
	var chains, jumps strings.Builder
	for q := range 4 {
		_, _ = fmt.Fprintf(&chains, "chain q%d { }\n", q)
		_, _ = fmt.Fprintf(&jumps, "%d : jump q%d, ", q, q)
	}
	mustLater(t, n, "nft delete table inet swizzle 2>/dev/null; true")
	must(t, n, `nft -f - <<'RULES'
table inet swizzle {
%schain in {
type filter hook input priority 0;
udp dport 4791 udp sport & 3 vmap { %s }
}
}
RULES`, chains.String(), strings.TrimSuffix(jumps.String(), ", "))
}
