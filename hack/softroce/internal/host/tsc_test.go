//go:build linux

package host

import (
	"testing"
	"time"
)

// Two measurements, of different lengths, agree to what a guest's own refinement allows, a hundredth.
func TestTSCRate(t *testing.T) {
	s := sampleTSC()
	first := s.kHz()
	time.Sleep(50 * time.Millisecond)
	if second := s.kHz(); first < 100_000 || max(first-second, second-first) > first/100 {
		t.Errorf("got %d kHz, then %d kHz", first, second)
	}
}
