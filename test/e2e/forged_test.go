//go:build linux

package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// polynomial is that of the CRC-32 which RoCE's packets end with, in the order that their bits go in. Flipping the
// bits of a packet that it has, wherever it is laid, leaves the checksum right: to the NIC nothing is wrong.
const polynomial = 0x410671db01

// The opcodes of the packets that are forged, and where in the UDP datagram the polynomial is laid, in bits.
const (
	writeFirst     = 0x06 // of a WRITE; begins with address, key and length
	writeMiddle    = 0x07 // of a WRITE; nothing but payload
	readRequest    = 0x0c // begins with address, key and length
	responseMiddle = 0x0e // of the answer to a READ; nothing but payload

	inPayload = 8 * (8 + 12)     // behind the UDP header and RoCE's own
	inKey     = 8 * (8 + 12 + 7) // the last byte of the address, and the key
)

// forge has every nth of the packets of an opcode that come in to a node changed, the first among them, from now on.
func (n *node) forge(t *testing.T, opcode, at, nth int) {
	t.Helper()
	mustLater(t, n, "nft delete table ip forge 2>/dev/null; true")
	must(t, n, `nft -f - <<'RULES'
table ip forge
delete table ip forge
table ip forge {
	chain in {
		type filter hook input priority 0;
		udp dport 4791 @th,64,8 %#x numgen inc mod %d 0 @th,%d,40 set @th,%d,40 ^ %#x counter
	}
}
RULES`, opcode, nth, at, at, polynomial)
}

// forged is how many packets were changed.
func (n *node) forged(t *testing.T) (packets int) {
	t.Helper()
	rules := must(t, n, "nft list table ip forge")
	if _, after, found := strings.Cut(rules, "counter packets "); found {
		_, _ = fmt.Sscan(after, &packets)
	}
	return packets
}

// eachForged runs a test of a copy of that many bytes, put and got, or one of them.
func eachForged(t *testing.T, size int, test func(tr *trial, d *destination)) {
	t.Helper()
	for _, way := range ways(t) {
		t.Run(way, func(t *testing.T) {
			tr := newTrial(t)
			from, to := tr.ends(way)
			src := random(t, from, dataDir+"/genuine", size)
			must(t, to, "echo old >%s/forged", dataDir)
			test(tr, tr.to(src, to, dataDir+"/forged"))
		})
	}
}

// payload is the opcode of the packets that bring a destination its bytes.
func (d *destination) payload() int {
	if d.host.name == there {
		return responseMiddle
	}
	return writeMiddle
}

// TestForged has somebody on the wire change what every 500th packet brings, with a checksum that is right: what has
// arrived changed is sent again.
func TestForged(t *testing.T) {
	eachForged(t, 4<<20, func(tr *trial, d *destination) {
		d.host.forge(tr.t, d.payload(), inPayload, 500)
		r := tr.copy(d, "--chunk-size=64KiB") // of 16 packets: larger ones would be hit as often as they are tried
		r.copied(tr.t)
		if n, again := d.host.forged(tr.t), r.summary(tr.t).Retries; n == 0 || again == 0 || again > n {
			tr.t.Errorf("%d packets were changed, %d chunks sent again", n, again)
		}
	})
}

// TestForgedAlways has all packets changed: nothing of that is taken for the file.
func TestForgedAlways(t *testing.T) {
	needsTime(t)
	eachForged(t, 1<<20, func(tr *trial, d *destination) {
		d.host.forge(tr.t, d.payload(), inPayload, 1)
		tr.copy(d).failed(tr.t, 12, "integrity", "damaged", "digest")
		if got := tr.digest(d.host, d.path); got != d.sum {
			tr.t.Errorf("at the name there is %s, and not what was there before", got)
		}
	})
}

// TestForgedKey has the key changed in one request to the client's NIC: the connection is lost, and the copy goes on
// by another.
func TestForgedKey(t *testing.T) {
	needsTime(t)
	eachForged(t, 4<<20, func(tr *trial, d *destination) {
		opcode := readRequest
		if d.payload() == writeMiddle {
			opcode = writeFirst
		}
		tr.lab.here.forge(tr.t, opcode, inKey, 1_000_000)
		tr.copy(d).failed(tr.t, 12, "lost", there)
		tr.lab.here.forge(tr.t, opcode, inKey, 1_000_000)
		r := tr.copy(d, "--retry-for=60s")
		r.copied(tr.t)
		if n, s := tr.lab.here.forged(tr.t), r.summary(tr.t); n != 1 || s.Earlier.Connections == 0 {
			tr.t.Errorf("%d packets were changed, %d connections lost", n, s.Earlier.Connections)
		}
	})
}
