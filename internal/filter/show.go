package filter

import "strconv"

// shown is a pattern as it goes into a message: it may hold any bytes.
func shown(s string) string { return strconv.Quote(s) }
