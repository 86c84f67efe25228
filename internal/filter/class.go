package filter

import (
	"errors"
	"strings"
)

var errClass = errors.New("a [ in it is not closed by a ]")

// classes are those of POSIX, in the C locale.
var classes = map[string]func(c byte) bool{
	"alnum":  func(c byte) bool { return isAlpha(c) || isDigit(c) },
	"alpha":  isAlpha,
	"blank":  func(c byte) bool { return c == ' ' || c == '\t' },
	"cntrl":  func(c byte) bool { return c < ' ' || c == 0x7f },
	"digit":  isDigit,
	"graph":  func(c byte) bool { return c > ' ' && c < 0x7f },
	"lower":  isLower,
	"print":  func(c byte) bool { return c >= ' ' && c < 0x7f },
	"punct":  func(c byte) bool { return c > ' ' && c < 0x7f && !isAlpha(c) && !isDigit(c) },
	"space":  func(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' },
	"upper":  isUpper,
	"xdigit": func(c byte) bool { return isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' },
}

func isLower(c byte) bool { return c >= 'a' && c <= 'z' }
func isUpper(c byte) bool { return c >= 'A' && c <= 'Z' }
func isAlpha(c byte) bool { return isLower(c) || isUpper(c) }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// parseClass parses the [..] that text begins with, and returns how long it is.
// A ] that comes first stands for itself.
func parseClass(text string) (*set, int, error) {
	var s set
	i := 1
	negated := i < len(text) && (text[i] == '!' || text[i] == '^')
	if negated {
		i++
	}
	for first := i; ; {
		if i >= len(text) {
			return nil, 0, errClass
		}
		if text[i] == ']' && i > first {
			break
		}
		n, err := s.parseItem(text[i:])
		if err != nil {
			return nil, 0, err
		}
		i += n
	}
	if negated {
		for j := range s {
			s[j] = ^s[j]
		}
	}
	return &s, i + 1, nil
}

// parseItem adds the byte, range or [:class:] that text begins with, and returns
// how long it is.
func (s *set) parseItem(text string) (int, error) {
	if strings.HasPrefix(text, "[:") {
		if name, _, ok := strings.Cut(text[2:], ":]"); ok && !strings.Contains(name, "]") {
			return len(name) + 4, s.addClass(name)
		}
	}
	low, n, err := parseByte(text)
	if err != nil {
		return 0, err
	}
	if rest := text[n:]; len(rest) < 2 || rest[0] != '-' || rest[1] == ']' {
		s.add(low)
		return n, nil
	}
	high, m, err := parseByte(text[n+1:])
	if err != nil {
		return 0, err
	}
	for c := int(low); c <= int(high); c++ {
		s.add(byte(c))
	}
	return n + 1 + m, nil
}

func (s *set) addClass(name string) error {
	is, ok := classes[name]
	if !ok {
		return errors.New("there is no class [:" + shown(name) + ":]")
	}
	for c := range 256 {
		if is(byte(c)) {
			s.add(byte(c))
		}
	}
	return nil
}

// parseByte returns the byte that text begins with, and how long it is written.
func parseByte(text string) (c byte, n int, err error) {
	if text[0] != '\\' {
		return text[0], 1, nil
	}
	if len(text) < 2 {
		return 0, 0, errClass
	}
	return text[1], 2, nil
}
