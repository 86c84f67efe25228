package mr

import "testing"

func TestParsePinned(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]uint64{
		"Name:\tx\nVmLck:\t      16 kB\nVmPin:\t    2048 kB\nCapEff:\t0\n": 2 * mib,
		"VmPin:\t       0 kB\n": 0,
		"Name:\tkthreadd\n":     0,
	} {
		if got, err := parsePinned([]byte(status)); got != want || err != nil {
			t.Errorf("%q: %d, %v", status, got, err)
		}
	}
	for _, status := range []string{"VmPin:\tmuch\n", "VmPin:\t18446744073709551615 kB\n"} {
		if got, err := parsePinned([]byte(status)); err == nil {
			t.Errorf("%q: %d", status, got)
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
