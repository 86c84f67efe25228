// Package filter has rsync's rules of what is copied and what is not.
//
// They are its rules to the letter, since whoever copies trees knows them by
// heart: the first rule that matches decides, a slash at the front binds a
// pattern to the top of what is copied, one at the end to directories. Patterns
// and names are bytes. Matching takes time in proportion to the lengths of
// pattern and path, whatever the pattern: a daemon takes them from its clients.
package filter

import (
	"errors"
	"strings"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// Set is compiled rules. A nil Set excludes nothing. It may be used from any
// goroutine.
type Set struct {
	rules []rule
}

// Compile compiles rules. A pattern that means nothing is a fault of code Usage.
func Compile(rules []tree.Rule) (*Set, error) {
	s := &Set{rules: make([]rule, 0, len(rules))}
	for _, r := range rules {
		compiled, err := compile(r)
		if err != nil {
			return nil, fault.New(fault.Usage, "reading the pattern "+shown(r.Pattern), err,
				"write it as for rsync, and put a backslash ahead of *, ? and [ that stand for themselves")
		}
		s.rules = append(s.rules, compiled)
	}
	return s, nil
}

// Excluded reports whether the rules leave path out. Path is relative to the top
// of what is copied, without a slash at either end. Who asks does not descend into
// a directory that is excluded, and so does not ask for what is in it.
func (s *Set) Excluded(path string, isDir bool) bool {
	if s == nil || path == "" {
		return false
	}
	for i := range s.rules {
		if s.rules[i].matches(path, isDir) {
			return !s.rules[i].include
		}
	}
	return false
}

// rule is one compiled rule.
type rule struct {
	include  bool
	dirsOnly bool // the pattern ends in a slash
	self     bool // it ends in ***: a slash is put behind a directory's name
	root     bool // it begins with **: a slash is put ahead of the path
	where    where
	tail     int // lastParts: how many
	pattern  pattern
}

// where says at what part of a path a pattern is tried.
type where uint8

const (
	whole      where = iota // all of it
	lastParts               // as many of the last components as the pattern has
	afterSlash              // all of it, and what follows each slash
)

func compile(r tree.Rule) (rule, error) {
	text := r.Pattern
	if text == "" {
		return rule{}, errors.New("it is empty")
	}
	c := rule{include: r.Include}
	wild := strings.ContainsAny(text, "*?[")
	double := strings.Contains(text, "**")
	c.root = strings.HasPrefix(text, "**")
	c.self = strings.HasSuffix(text, "***")
	if len(text) > 1 && strings.HasSuffix(text, "/") {
		text, c.dirsOnly = text[:len(text)-1], true
	}
	anchored := strings.HasPrefix(text, "/")
	slashes := strings.Count(text, "/")
	switch {
	case anchored:
		text, c.where = text[1:], whole
	case !double:
		c.where, c.tail = lastParts, slashes+1
	case c.root:
		c.where = whole
	default:
		c.where = afterSlash
	}
	var err error
	if wild {
		c.pattern, err = parse(text)
	} else {
		c.pattern = literal(text) // a backslash too stands for itself
	}
	return c, err
}

func (r *rule) matches(path string, isDir bool) bool {
	if r.dirsOnly && !isDir {
		return false
	}
	if r.self && isDir {
		path += "/"
	}
	if r.root {
		path = "/" + path
	}
	switch r.where {
	case whole:
		return r.pattern.match(path)
	case lastParts:
		tail, ok := lastOf(path, r.tail)
		return ok && r.pattern.match(tail)
	case afterSlash:
	}
	for {
		if r.pattern.match(path) {
			return true
		}
		i := strings.IndexByte(path, '/')
		if i < 0 {
			return false
		}
		path = path[i+1:]
	}
}

// lastOf returns the last n components of path, if it has as many.
func lastOf(path string, n int) (string, bool) {
	end := len(path)
	for ; n > 0; n-- {
		if end < 0 {
			return "", false
		}
		end = strings.LastIndexByte(path[:end], '/')
	}
	return path[end+1:], true
}
