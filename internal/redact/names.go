package redact

import "strings"

// secret is a text that must not be said.
type secret struct {
	text  string
	stand string // what stands for it
	kind  kind
}

// kind is how far a secret goes.
type kind int

const (
	word  kind = iota // as far as it is written
	host              // as far as its domain goes
	zone              // a domain: a host's name is ahead of it
	place             // a path: as far as it goes down
)

// names replaces what is known by name. It goes through s once, so that nothing is found in
// a placeholder.
func (r *Redactor) names(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); {
		if i > 0 && letter(s[i]) && letter(s[i-1]) { // in the middle of a word
			out.WriteByte(s[i])
			i++
			continue
		}
		stand, n := r.at(s[i:])
		if n == 0 {
			stand, n = s[i:i+1], 1
		}
		out.WriteString(stand)
		i += n
	}
	return out.String()
}

// at returns what stands for a secret that s begins with, and how long it is; 0 if there is
// none.
func (r *Redactor) at(s string) (stand string, n int) {
	dotted := run(s, func(c byte) bool { return letter(c) || c == '-' || c == '.' })
	for _, k := range r.known {
		if k.kind == zone {
			name := strings.ToLower(strings.TrimRight(s[:dotted], "."))
			if name == k.text || strings.HasSuffix(name, "."+k.text) {
				return r.placeholder("host", name), len(name)
			}
			continue
		}
		n := len(k.text)
		same := strings.HasPrefix(s, k.text) || k.kind == host && len(s) >= n && strings.EqualFold(s[:n], k.text)
		if !same || len(s) > n && letter(s[n]) && letter(s[n-1]) {
			continue
		}
		switch k.kind {
		case host:
			if len(s) > n+1 && s[n] == '.' && letter(s[n+1]) {
				n = max(n, len(strings.TrimRight(s[:dotted], ".-")))
			}
		case place:
			if len(s) > n && s[n] == '/' {
				n += run(s[n:], inPath)
			}
		case word, zone:
		}
		return k.stand, n
	}
	return "", 0
}

// run is how many bytes at the beginning of s are of a kind.
func run(s string, is func(byte) bool) int {
	for i := range len(s) {
		if !is(s[i]) {
			return i
		}
	}
	return len(s)
}

// letter reports whether a byte goes on with a word. All beyond ASCII does.
func letter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= 0x80
}

// inPath reports whether a byte goes on with a path in a sentence.
func inPath(c byte) bool { return !strings.ContainsRune(" \t\r\n\"'`:;,)", rune(c)) }
