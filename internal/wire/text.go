package wire

import (
	"strings"
	"unicode"
)

// Printable returns at most n bytes of s with everything replaced that could
// steer a terminal or break a line of a log.
func Printable(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}
