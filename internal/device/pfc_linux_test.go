package device

import (
	"encoding/binary"
	"testing"

	"github.com/mdlayher/netlink"
)

// An answer as the kernel builds it, ones that are not whole, and the question itself, to a
// device whose driver has none.
func TestPriorityFlow(t *testing.T) {
	t.Parallel()
	raw := make([]byte, pfcSize)
	raw[0], raw[pfcEnabled] = 8, 1<<3|1<<4
	for i := range priorities {
		binary.NativeEndian.PutUint64(raw[pfcRequests+8*i:], 1)
		binary.NativeEndian.PutUint64(raw[pfcHeard+8*i:], uint64(i))
	}
	answer := func(raw []byte) []byte {
		e := netlink.NewAttributeEncoder()
		e.String(dcbIfName, "eth0")
		e.Nested(dcbIEEE, func(in *netlink.AttributeEncoder) error {
			in.Bytes(1, make([]byte, 9)) // what else is on
			in.Bytes(dcbPFC, raw)
			return nil
		})
		b, err := e.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return append([]byte{0, dcbIEEEGet, 0, 0}, b...)
	}
	whole := answer(raw)
	if p, err := readPFC(whole); err != nil || p != (PFC{Priorities: 1<<3 | 1<<4, Sent: 8, Received: 28}) {
		t.Errorf("%+v, %v", p, err)
	}
	for _, b := range [][]byte{nil, whole[:3], whole[:dcbHeader], whole[:len(whole)-20], answer(raw[:40])} {
		if p, err := readPFC(b); err == nil {
			t.Errorf("%d bytes: %+v", len(b), p)
		}
	}
	for _, name := range []string{"lo", "nosuchdevice"} {
		if p, err := PriorityFlow(name); err == nil {
			t.Errorf("%s: %+v", name, p)
		}
	}
}
