package storage

import (
	"strconv"
	"unicode"
	"unicode/utf8"
)

// shown is a path as it goes into a message: file names are bytes that others
// chose, so whatever is not printable is escaped lest it drive a terminal or
// forge lines of a log. Messages cross the wire and are therefore UTF-8.
func shown(path string) string {
	for i, r := range path {
		_, width := utf8.DecodeRuneInString(path[i:])
		if !unicode.IsPrint(r) || (r == utf8.RuneError && width == 1) {
			quoted := strconv.Quote(path)
			return quoted[1 : len(quoted)-1]
		}
	}
	return path
}
