package cpu

import (
	"testing"
	"time"
)

func TestUsed(t *testing.T) {
	before := Used()
	for begun := time.Now(); time.Since(begun) < 30*time.Millisecond; {
		_ = megahertz("x")
	}
	time.Sleep(time.Millisecond)
	used := Used().Since(before)
	if used.Time() < 5*time.Millisecond || used.Time() > time.Minute || used.Voluntary == 0 {
		t.Errorf("%+v", used)
	}
}

func TestMegahertz(t *testing.T) {
	for info, want := range map[string]float64{
		"":                                      0,
		"processor\t: 0\ncpu MHz\t\t: 2400.5\n": 2400.5,
		"cpu MHz : 1\ncpu MHz : 2\n":            1,
		"cpu MHz : fast\n":                      0,
	} {
		if got := megahertz(info); got != want {
			t.Errorf("%q: %v, want %v", info, got, want)
		}
	}
}
