//go:build !linux

package device

import (
	"context"
	"io/fs"
	"net/netip"

	"github.com/rdmacp/rdmacp/internal/verbs"
)

// Route asks the kernel how packets to peer leave this host. Here it cannot.
func Route(context.Context, netip.Addr) (netDev string, src netip.Addr, err error) {
	return "", netip.Addr{}, verbs.ErrNotSupported
}

// NextHop asks the kernel the same. Here it cannot.
func NextHop(context.Context, netip.Addr) (Hop, error) { return Hop{}, verbs.ErrNotSupported }

func readLinks() ([]link, error) { return nil, verbs.ErrNotSupported }

func ipoib(fs.FS, string, int, []link) string { return "" }

func nodesOf(string) []string { return nil }
