package server

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/token"
	"github.com/rdmacp/rdmacp/internal/transfer"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// Bounds on what is asked of a token.
const (
	maxTokenLife   = 90 * 24 * time.Hour
	maxTokenCopies = 1_000_000
)

// Issue gives a token for a number of copies within a time. Text is the file for its holder.
func (s *Server) Issue(scope token.Scope, life time.Duration, copies int) (text []byte, g token.Grant, err error) {
	what := "giving a token for " + scope.Export + "/" + scope.Path
	c := s.config
	switch {
	case c.Tokens == nil:
		return nil, g, fault.New(fault.Usage, what, errors.New("a token proves itself by TLS, and this daemon speaks none"), "start it with --tls-cert, --tls-key and --tls-ca; rdmad pki makes them")
	case life <= 0 || life > maxTokenLife:
		return nil, g, fault.New(fault.Usage, what, fmt.Errorf("%v is no life for a token", life), fmt.Sprintf("give one of up to %v", maxTokenLife))
	case copies < 1 || copies > maxTokenCopies:
		return nil, g, fault.New(fault.Usage, what, fmt.Errorf("a token cannot be for %d copies", copies), fmt.Sprintf("give a number from 1 to %d", maxTokenCopies))
	}
	scope.Path = relative(scope.Path)
	view, err := s.shared.now().narrow(scope)
	if err != nil {
		return nil, g, err
	}
	if err := view.close(); err != nil {
		return nil, g, err
	}
	if text, g, err = c.Tokens.Issue(scope, time.Now().Add(life), copies, c.Anchors()); err != nil {
		return nil, g, fault.New(fault.Limit, what, err, "rdmad token list shows those that there are, rdmad token revoke takes one back")
	}
	return text, g, nil
}

// Tokens has those that were given; nil without TLS.
func (s *Server) Tokens() *token.Table { return s.config.Tokens }

// narrow returns what the holder of a token may see: one export, of which no more can be
// reached than the token is for, whatever symbolic links stand there.
func (es exports) narrow(s token.Scope) (exports, error) {
	what := "reaching " + s.Export + "/" + s.Path
	for _, e := range es {
		if e.Name != s.Export || e.dir == nil {
			continue
		}
		if s.Write && e.ReadOnly {
			return nil, place{export: e}.writable("writing to "+s.Export, nil)
		}
		n := &export{Export: Export{Name: e.Name, Path: e.Path, ReadOnly: !s.Write}, under: s.Path}
		isDir, err := e.dir.IsDir(s.Path)
		if err != nil {
			return nil, err
		}
		if !isDir {
			if n.under, n.only = path.Dir(s.Path), path.Base(s.Path); strings.ContainsAny(n.only, `*?[\`) {
				return nil, fault.New(fault.Usage, what, errors.New("a token cannot be for a file whose name has wildcards"), "give one for its directory")
			}
			if err := e.readable(s); err != nil {
				return nil, err
			}
		}
		n.Path = path.Join(e.Path, n.under)
		n.dir, err = e.dir.Beneath(n.under)
		return exports{n}, err
	}
	return nil, fault.New(fault.NotExport, what, fmt.Errorf("there is no export %q", s.Export), "name an export of the daemon's, and what is in it: EXPORT/PATH")
}

// readable fails if a token is for a file to be read that cannot be.
func (e *export) readable(s token.Scope) error {
	if s.Write {
		return nil // it may come to be
	}
	file, err := e.dir.Source(s.Path)
	if err != nil {
		return err
	}
	return file.Close()
}

// scoped is where in an export a place is, for the holder of a token: relative to what the
// token is for.
func (e *export) scoped(name string) (string, error) {
	in, ok := name, true
	if e.under != "" && e.under != "." {
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

// reach is what the client may see of the exports in a copy. Whoever asks calls done, and
// says whether the copy counts for the token that it was made by, if it was.
func (ss *session) reach() (es exports, done func(counts bool) error, err error) {
	es = ss.server.shared.now()
	if !ss.byToken() {
		return es, func(bool) error { return nil }, nil
	}
	if ss.server.config.Tokens == nil {
		return nil, nil, unusable(token.ErrOver)
	}
	scope, end, err := ss.server.config.Tokens.Begin(ss.who[0])
	if err != nil {
		return nil, nil, unusable(err)
	}
	defer func() {
		if err != nil {
			end(false)
		}
	}()
	if scope.Write != (ss.hello.Direction == transport.Put) {
		may := "read, and not written to"
		if scope.Write {
			may = "written to, and not read"
		}
		return nil, nil, fault.New(fault.Denied, "copying by a token", fmt.Errorf("it is for %s to be %s", path.Join(scope.Export, scope.Path), may), "ask who gave it for another one")
	}
	view, err := es.narrow(scope)
	if err != nil {
		return nil, nil, err
	}
	return view, func(counts bool) error {
		end(counts)
		return view.close()
	}, nil
}

// used reports whether a copy has used up what a token is for: it has brought something,
// and left nothing out.
func used(r transfer.Report) bool { return r.Files > 0 && r.Problems == 0 }

// byToken reports whether the client has come by a token.
func (ss *session) byToken() bool { return len(ss.who) == 1 && token.Is(ss.who[0]) }

// unusable is the fault of a token that is good for nothing at this moment.
func unusable(why error) error {
	const what = "copying by a token"
	if errors.Is(why, token.ErrInUse) {
		return fault.New(fault.Busy, what, why, "wait until that one has ended")
	}
	return fault.New(fault.Denied, what, why, "ask who gave it for another one")
}
