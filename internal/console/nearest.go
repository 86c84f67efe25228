package console

import "strings"

// Nearest returns the candidate that a mistyped or shortened word most likely
// meant, or "" if none comes close.
func Nearest(word string, candidates []string) string {
	best, distance := "", (len(word)+5)/3
	for _, c := range candidates {
		d := editDistance(word, c)
		if len(word) > 1 && strings.HasPrefix(c, word) {
			d = 1 // whatever is left out
		}
		if d < distance {
			best, distance = c, d
		}
	}
	return best
}

// editDistance is Levenshtein's: how many letters have to be changed, added or
// dropped to get from a to b.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
