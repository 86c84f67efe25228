package verbs

import (
	"fmt"
	"strings"
	"testing"
)

// TestEnumStrings checks that every value up to the last has a name of its own, and that others print as numbers.
func TestEnumStrings(t *testing.T) {
	tests := []struct {
		kind        string
		str         func(int) fmt.Stringer
		first, last int
		gaps        []int
	}{
		{"MTU", func(v int) fmt.Stringer { return MTU(v) }, int(MTU256), int(MTU4096), nil},
		{"PortState", func(v int) fmt.Stringer { return PortState(v) }, 0, int(PortActiveDefer), nil},
		{"LinkLayer", func(v int) fmt.Stringer { return LinkLayer(v) }, 0, int(LinkLayerEthernet), nil},
		{"NodeType", func(v int) fmt.Stringer { return NodeType(v) }, int(NodeUnknown), int(NodeUnspecified), []int{0}},
		{
			"TransportType", func(v int) fmt.Stringer { return TransportType(v) },
			int(TransportUnknown), int(TransportUnspecified), nil,
		},
		{"GIDType", func(v int) fmt.Stringer { return GIDType(v) }, 0, int(GIDTypeRoCEv2), nil},
		{"QPState", func(v int) fmt.Stringer { return QPState(v) }, 0, int(QPStateUnknown), nil},
		{"WCStatus", func(v int) fmt.Stringer { return WCStatus(v) }, 0, int(WCTMRndvIncomplete), nil},
		{"Opcode", func(v int) fmt.Stringer { return Opcode(v) }, 0, int(OpcodeAtomicWrite), []int{8}},
		{"Opcode", func(v int) fmt.Stringer { return Opcode(v) }, int(OpcodeRecv), int(OpcodeDriver3), nil},
		{"EventType", func(v int) fmt.Stringer { return EventType(v) }, 0, int(EventWQFatal), nil},
		{"SendOp", func(v int) fmt.Stringer { return SendOp(v) }, 0, int(OpRead), nil},
		{"kind", func(v int) fmt.Stringer { return kind(v) }, 0, int(numKinds) - 1, nil},
	}
	for _, tt := range tests {
		t.Run(tt.kind, func(t *testing.T) {
			seen := map[string]bool{}
			for v := tt.first; v <= tt.last; v++ {
				seen[tt.str(v).String()] = true
			}
			unnamed := 0
			for s := range seen {
				if strings.Contains(s, "(") {
					unnamed++
				}
			}
			if want := tt.last - tt.first + 1; len(seen) != want || unnamed != len(tt.gaps) {
				t.Errorf("%d names, %d of them numbers; want %d and %d: %v", len(seen), unnamed, want, len(tt.gaps), seen)
			}
			for _, v := range append(tt.gaps, tt.last+1) {
				if got, want := tt.str(v).String(), fmt.Sprintf("%s(%d)", tt.kind, v); got != want {
					t.Errorf("got %q, want %q", got, want)
				}
			}
		})
	}
}

func TestMTU(t *testing.T) {
	for n, want := range map[int]MTU{255: 0, 256: MTU256, 1023: MTU512, 1024: MTU1024, 1500: MTU1024, 9000: MTU4096} {
		if got, ok := MTUFromBytes(n); got != want || ok != (want != 0) {
			t.Errorf("MTUFromBytes(%d) = %v, %t; want %v", n, got, ok, want)
		}
	}
	for m := MTU256; m <= MTU4096; m++ {
		if got, _ := MTUFromBytes(m.Bytes()); got != m {
			t.Errorf("%v came back as %v", m, got)
		}
	}
	if n := MTU(9).Bytes(); n != 0 {
		t.Errorf("MTU 9 has %d bytes", n)
	}
}

func TestFlagStrings(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{Access(0).String(), "0"},
		{(AccessLocalWrite | AccessRemoteRead).String(), "LOCAL_WRITE|REMOTE_READ"},
		{(AccessRelaxedOrdering | AccessHugeTLB).String(), "HUGETLB|RELAXED_ORDERING"},
		{Access(1<<30 | 2).String(), "REMOTE_WRITE|0x40000000"},
		{(SendSignaled | SendInline).String(), "SIGNALED|INLINE"},
		{SendFlags(1 << 4).String(), "0x10"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}

func TestAccessWrites(t *testing.T) {
	for a, want := range map[Access]bool{
		0: false, AccessRemoteRead: false, AccessRemoteRead | AccessRelaxedOrdering: false,
		AccessLocalWrite: true, AccessRemoteWrite: true, AccessRemoteRead | AccessRemoteAtomic: true,
	} {
		if got := a.Writes(); got != want {
			t.Errorf("%v: %v, want %v", a, got, want)
		}
	}
}
