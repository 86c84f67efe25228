package server

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/token"
)

// Bounds on what is asked of a token.
const (
	minTokenLife   = time.Second
	maxTokenLife   = 90 * 24 * time.Hour
	maxTokenCopies = 1_000_000
)

// Issue gives a token for a number of copies within a time. Text is the file for its holder.
func (s *Server) Issue(scope token.Scope, life time.Duration, copies int) (text []byte, g token.Grant, err error) {
	what := "giving a token for " + path.Join(scope.Export, scope.Path)
	switch {
	case s.config.Anchors == nil:
		return nil, g, fault.New(fault.Usage, what, errors.New("a token proves itself by TLS, and this daemon speaks none"), "start it with --tls-cert, --tls-key and --tls-ca; rdmad pki makes them")
	case life < minTokenLife || life > maxTokenLife:
		return nil, g, fault.New(fault.Usage, what, fmt.Errorf("%v is no life for a token", life), fmt.Sprintf("give one from %v to %v", minTokenLife, maxTokenLife))
	case copies < 1 || copies > maxTokenCopies:
		return nil, g, fault.New(fault.Usage, what, fmt.Errorf("a token cannot be for %d copies", copies), fmt.Sprintf("give a number from 1 to %d", maxTokenCopies))
	}
	scope.Path = relative(scope.Path)
	place, err := s.shared.now().narrow(scope)
	if err != nil {
		return nil, g, err
	}
	if text, g, err = s.tokens.Issue(scope, place, time.Now().Add(life), copies, s.config.Anchors()); err != nil {
		return nil, g, errors.Join(fault.New(fault.Limit, what, err, "rdmad token list shows those that there are, rdmad token revoke takes one back"), place.Close())
	}
	return text, g, nil
}

// Tokens returns those that were given.
func (s *Server) Tokens() []token.Grant { return s.tokens.List() }

// Revoke takes a token back, and reports whether there is one of that ID.
func (s *Server) Revoke(id string) bool { return s.tokens.Revoke(strings.TrimPrefix(id, token.Prefix)) }

// narrow opens the place that a token is for: an export of which no more can be reached,
// wherever names lead by then.
func (es exports) narrow(s token.Scope) (*export, error) {
	what := "opening " + path.Join(s.Export, s.Path)
	for _, e := range es {
		if e.Name != s.Export || e.dir == nil {
			continue
		}
		if s.Write && e.ReadOnly {
			return nil, place{export: e}.writable("writing to "+s.Export, nil)
		}
		return e.narrow(what, s)
	}
	return nil, fault.New(fault.NotExport, what, fmt.Errorf("there is no export %q", s.Export), "name an export of the daemon's, and what is in it: EXPORT/PATH")
}

func (e *export) narrow(what string, s token.Scope) (n *export, err error) {
	n = &export{Export: Export{Name: e.Name, Path: e.Path, ReadOnly: !s.Write}, given: true, above: e.Path, under: s.Path}
	isDir, err := e.dir.IsDir(s.Path)
	switch {
	case err != nil:
		return nil, err
	case !isDir && s.Write:
		return nil, fault.New(fault.NotFound, what, errors.New("there is no such directory"), "make it first: what is to be written to has to be a directory")
	case !isDir:
		if n.under, n.only = path.Dir(s.Path), path.Base(s.Path); strings.ContainsAny(n.only, `*?[\`) {
			return nil, fault.New(fault.Usage, what, errors.New("a token cannot be for a file whose name has wildcards"), "give one for its directory")
		}
	}
	n.Path = path.Join(e.Path, n.under)
	if n.dir, err = e.dir.Beneath(n.under); err == nil && n.only != "" {
		if err = n.dir.Plain(n.only); err != nil {
			err = errors.Join(err, n.dir.Close())
		}
	}
	return n, err
}

// Close lets go of a token's place.
func (e *export) Close() error { return e.dir.Close() }

// scoped is where in an export a place is, for the holder of a token: relative to what the
// token is for.
func (e *export) scoped(name string) (string, error) {
	in, ok := name, true
	if e.given && e.under != "." {
		in, ok = beneath(name, e.under)
		in = relative(in)
	}
	if ok && (e.only == "" || in == e.only) {
		return in, nil
	}
	return "", e.beyond(path.Join(e.Name, name))
}

// beyond is the fault of a token's holder who wants more than that.
func (e *export) beyond(what string) error {
	return fault.New(fault.Denied, "reaching "+what, fmt.Errorf("this token is for %s", path.Join(e.Name, e.under, e.only)),
		"name that, or what is in it, as HOST::EXPORT/PATH")
}

// inPlace fails if a token's place is not where it was when the token was given, or is
// exported no more as it was: what is written there would be seen by nobody.
func (e *export) inPlace(now exports) error {
	gone := func(why error) error {
		return fault.New(fault.Denied, "copying by a token", fmt.Errorf("what it is for is not what it was when it was given: %w", why), "ask who gave it for another one")
	}
	for _, other := range now {
		if other.Name != e.Name || other.Path != e.above || other.ReadOnly && !e.ReadOnly {
			continue
		}
		err := e.dir.InPlace()
		if err == nil && e.only != "" {
			err = e.dir.Plain(e.only)
		}
		if err != nil {
			return gone(err)
		}
		return nil
	}
	return gone(fmt.Errorf("the export %q has changed", e.Name))
}
