package server

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"google.golang.org/grpc/peer"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/mtls"
)

// Rights are who may do what with an export: patterns of names, as mtls.Match has them.
// Where there are none at all, whoever is let in may do everything.
type Rights struct {
	Read  []string // who may read
	Write []string // who may read and write
}

// empty reports whether nothing was said.
func (r Rights) empty() bool { return r.Read == nil && r.Write == nil }

// Check says what is wrong with the patterns.
func (r Rights) Check() error {
	for _, p := range slices.Concat(r.Read, r.Write) {
		if _, err := path.Match(p, ""); err != nil {
			return fmt.Errorf("%q is no pattern", p)
		}
	}
	return nil
}

// mayRead reports whether a client by these names may read.
func (r Rights) mayRead(names []string) bool {
	return r.empty() || mtls.Match(r.Read, names) || mtls.Match(r.Write, names)
}

// mayWrite reports whether a client by these names may write.
func (r Rights) mayWrite(names []string) bool {
	return r.empty() || mtls.Match(r.Write, names)
}

// whoOf is who the client of a call is.
func whoOf(ctx context.Context) []string {
	if p, ok := peer.FromContext(ctx); ok {
		if info, ok := p.AuthInfo.(mtls.Peer); ok {
			return info.Names
		}
	}
	return []string{mtls.Anonymous}
}

// denied is the fault of a client that has not the right to what it wants.
func (e *export) denied(what string, who []string) error {
	return fault.New(fault.Denied, what,
		fmt.Errorf("export %q is not for this client to do that with (%s)", e.Name, called(who)),
		fmt.Sprintf("use an identity that has the right, or have one of its names added to read or write of [export.%s] in the daemon's configuration", e.Name))
}

// called says in words who a client is.
func called(who []string) string {
	if len(who) == 0 {
		return "its certificate has no name"
	}
	switch who[0] {
	case mtls.Anonymous:
		return "it has not proved who it is"
	case mtls.Local:
		return "it comes by a unix socket, and counts as " + mtls.Local
	}
	return "it is " + strings.Join(who, ", ")
}

// errNothing answers a client that may see no export.
var errNothing = errors.New("this daemon exports nothing to this client")
