//go:build !linux && !windows

package tcp

import (
	"errors"
	"net"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// pages are never made here.
type pages struct{}

func openPages(transport.Place) (*pages, error) { return nil, errors.ErrUnsupported }

func (*end) hash(*pages, int) (transport.Digest, error) {
	return transport.Digest{}, errors.ErrUnsupported
}

func (*pages) close() {}

func (*end) sendPages(net.Conn, header, payload) (bool, error) { return false, errors.ErrUnsupported }
