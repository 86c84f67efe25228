package console

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Escape makes a string that others chose safe to print: what would move the
// cursor, change colours or reorder the text stands there as a Go escape.
func Escape(s string) string {
	clean := true
	for _, r := range s {
		clean = clean && printable(r)
	}
	if clean {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		b.WriteString(escapeRune(s[i:], r))
	}
	return b.String()
}

// printable reports whether r can be shown as it is. The replacement character
// is not: it stands for bytes that are no UTF-8, which are shown one by one.
func printable(r rune) bool { return unicode.IsPrint(r) && r != utf8.RuneError }

// escapeRune returns r, the first rune of s, in printable form.
func escapeRune(s string, r rune) string {
	if printable(r) {
		return string(r)
	}
	if r == utf8.RuneError {
		if _, size := utf8.DecodeRuneInString(s); size == 1 {
			return fmt.Sprintf(`\x%02x`, s[0])
		}
	}
	return strings.Trim(strconv.QuoteRuneToASCII(r), "'")
}
