package filter

import (
	"errors"
	"strings"
)

// Match reports whether name, which is a leaf, matches a shell pattern of *, ?,
// [..] and backslashes. A dot at the front of it is matched by a dot only. A pattern
// that means nothing matches nothing.
func Match(shell, name string) bool {
	if strings.HasPrefix(name, ".") && !strings.HasPrefix(shell, ".") && !strings.HasPrefix(shell, `\.`) {
		return false
	}
	p, err := parse(shell)
	return err == nil && p.match(name)
}

// pattern is what a path is compared with, step by step.
type pattern struct {
	steps []step
	exact string // what it matches, if there is just one such text
	plain bool   // exact holds
}

// step is what one byte of a path, or any number of them, is compared with.
type step struct {
	set    *set // the bytes that match; nil: just the one
	only   byte
	repeat bool // any number of times
}

// set is a set of bytes.
type set [4]uint64

func (s *set) add(c byte)      { s[c/64] |= 1 << (c % 64) }
func (s *set) remove(c byte)   { s[c/64] &^= 1 << (c % 64) }
func (s *set) has(c byte) bool { return s[c/64]&(1<<(c%64)) != 0 }
func (st *step) matches(c byte) bool {
	return st.set == nil && st.only == c || st.set != nil && st.set.has(c)
}

// every and component are what ** and * stand for.
var every, component = all(), inComponent()

func all() *set { return &set{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)} }

func inComponent() *set {
	s := all()
	s.remove('/')
	return s
}

// literal is a pattern of which every byte stands for itself.
func literal(text string) pattern { return pattern{exact: text, plain: true} }

func parse(text string) (pattern, error) {
	var p pattern
	for i := 0; i < len(text); {
		switch c := text[i]; c {
		case '*':
			stars := len(text[i:]) - len(strings.TrimLeft(text[i:], "*"))
			i += stars
			st := step{set: component, repeat: true}
			if stars > 1 {
				st.set = every
			}
			p.steps = append(p.steps, st)
		case '?':
			i++
			p.steps = append(p.steps, step{set: component})
		case '[':
			class, n, err := parseClass(text[i:])
			if err != nil {
				return pattern{}, err
			}
			i += n
			class.remove('/')
			p.steps = append(p.steps, step{set: class})
		default:
			if c == '\\' {
				i++
				if i == len(text) {
					return pattern{}, errors.New("it ends in a backslash")
				}
			}
			p.steps = append(p.steps, step{only: text[i]})
			i++
		}
	}
	return p, nil
}

// match reports whether the pattern matches all of text. It follows all ways
// through the pattern at once, one byte of text after the other.
func (p *pattern) match(text string) bool {
	if p.plain {
		return p.exact == text
	}
	var room [2][64]bool // enough for most, without an allocation
	n := len(p.steps) + 1
	at, next := room[0][:], room[1][:]
	if n > len(at) {
		at, next = make([]bool, n), make([]bool, n)
	}
	at, next = at[:n], next[:n]
	at[0] = true
	p.skip(at)
	for i := range len(text) {
		alive := false
		clear(next)
		for s := range p.steps {
			if !at[s] || !p.steps[s].matches(text[i]) {
				continue
			}
			alive = true
			if p.steps[s].repeat {
				next[s] = true
			} else {
				next[s+1] = true
			}
		}
		if !alive {
			return false
		}
		p.skip(next)
		at, next = next, at
	}
	return at[n-1]
}

// skip marks what can be reached without a byte.
func (p *pattern) skip(at []bool) {
	for s := range p.steps {
		if at[s] && p.steps[s].repeat {
			at[s+1] = true
		}
	}
}
