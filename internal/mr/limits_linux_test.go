package mr

import "testing"

func TestParseStatus(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status  string
		pinned  uint64
		ipcLock bool
		ok      bool
	}{
		"root":      {"Name:\tx\nVmLck:\t      16 kB\nVmPin:\t    2048 kB\nCapEff:\t000001ffffffffff\n", 2 * mib, true, true},
		"nobody":    {"VmPin:\t       0 kB\nCapEff:\t0000000000000000\n", 0, false, true},
		"container": {"CapEff:\t00000000a80425fb\n", 0, false, true},
		"IPC_LOCK":  {"CapPrm:\t0\nCapEff:\t0000000000004000\n", 0, true, true},
		"kernel":    {"Name:\tkthreadd\n", 0, false, true},
		"bad pin":   {"VmPin:\tmuch\n", 0, false, false},
		"bad caps":  {"CapEff:\tall\n", 0, false, false},
		"overflow":  {"VmPin:\t18446744073709551615 kB\n", 0, false, false},
	} {
		pinned, ipcLock, err := parseStatus([]byte(c.status))
		if pinned != c.pinned || ipcLock != c.ipcLock || (err == nil) != c.ok {
			t.Errorf("%s: %d, %v, %v", name, pinned, ipcLock, err)
		}
	}
}

func TestIsInitialUserNS(t *testing.T) {
	t.Parallel()
	for uidMap, want := range map[string]bool{
		"         0          0 4294967295\n": true,
		"         0       1000          1\n": false,
		"         0     100000      65536\n": false,
		"0 1000 1\n1 100000 65536\n":         false,
		"":                                   false,
	} {
		if got := isInitialUserNS([]byte(uidMap)); got != want {
			t.Errorf("%q: %v", uidMap, got)
		}
	}
}

func TestReadLimits(t *testing.T) {
	t.Parallel()
	l, err := readLimits()
	if err != nil {
		t.Fatal(err)
	}
	if l.memlock == 0 && !l.unlimited {
		t.Errorf("%+v", l)
	}
}
