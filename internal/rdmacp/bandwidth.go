package rdmacp

import (
	"math"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
	"golang.org/x/time/rate"
)

// bandwidth reads --bwlimit as rsync does: bytes a second, with the suffixes of
// sizes, and KiB without any. Zero is no limit.
func bandwidth(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	bad := func(why string) error {
		return badFlag("bwlimit", s, why, "give bytes a second like 500M, 1.5GiB or 20MB; a plain number is KiB a second, 0 no limit")
	}
	text := s
	if n, err := strconv.ParseFloat(s, 64); err == nil {
		if n < 0 || n > math.MaxInt64/1024 {
			return 0, bad("out of range")
		}
		return int64(n * 1024), nil
	}
	if strings.ContainsAny(s[len(s)-1:], "kmgtKMGT") {
		text += "iB" // rsync's K is 1024
	}
	n, err := humanize.ParseBytes(text)
	if err != nil || n > math.MaxInt64 {
		return 0, bad("not a number of bytes")
	}
	return int64(n), nil
}

// limiter lets bytes through at a rate, a chunk at a time.
func limiter(perSecond int64, chunk int) *rate.Limiter {
	if perSecond == 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(perSecond), chunk)
}
