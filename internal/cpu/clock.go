package cpu

import (
	"os"
	"strconv"
	"strings"
	"sync"
)

// Hertz is the clock rate of this host's first CPU, in cycles a second, as far as it is
// known; 0 otherwise. CPUs change theirs, so what is computed of it is an estimate.
var Hertz = sync.OnceValue(func() float64 {
	if b, err := os.ReadFile("/sys/devices/system/cpu/cpu0/cpufreq/base_frequency"); err == nil {
		if khz, err := strconv.ParseFloat(strings.TrimSpace(string(b)), 64); err == nil {
			return khz * 1e3
		}
	}
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return 0
	}
	return megahertz(string(b)) * 1e6
})

// megahertz finds the first CPU's clock rate in /proc/cpuinfo.
func megahertz(info string) float64 {
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(line, ":")
		if strings.TrimSpace(name) == "cpu MHz" {
			mhz, _ := strconv.ParseFloat(strings.TrimSpace(value), 64)
			return mhz
		}
	}
	return 0
}
