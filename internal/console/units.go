package console

import (
	"fmt"
	"time"

	"github.com/dustin/go-humanize"
)

// Bytes is a size for people: "256 MiB".
func Bytes(n int64) string { return humanize.IBytes(uint64(max(n, 0))) }

// Rate is a rate for people: "80 MiB/s".
func Rate(perSecond float64) string {
	return Bytes(int64(perSecond)) + "/s"
}

// Duration is a time for people: "3.2 s", "2 m 5 s", "26 h 3 m".
func Duration(d time.Duration) string {
	switch {
	case d < 0:
		return "-"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Truncate(100*time.Millisecond).Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d m %d s", d/time.Minute, d%time.Minute/time.Second)
	}
	return fmt.Sprintf("%d h %d m", d/time.Hour, d%time.Hour/time.Minute)
}

// Count is a number with its noun: "1 chunk", "256 chunks".
func Count(n int64, one, many string) string {
	noun := many
	if n == 1 {
		noun = one
	}
	return Number(n) + " " + noun
}

// Number is a number for people: "1,234".
func Number(n int64) string { return humanize.Comma(n) }

// Speed is bytes a second, and 0 for no time at all.
func Speed(bytes int64, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return float64(bytes) / d.Seconds()
}
