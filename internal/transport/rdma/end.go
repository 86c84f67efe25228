package rdma

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"

	"github.com/rdmacp/rdmacp/internal/device"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// end is one end of a connection that is not connected yet: all its objects,
// and what the peer has to know of them.
type end struct {
	*resources
	vctx     *sharedContext
	role     role
	choice   device.Choice
	setup    transport.Setup
	endpoint transport.Endpoint
	log      *slog.Logger
}

// newEnd completes an end; it closes what it was given when it fails.
func newEnd(vctx *sharedContext, res *resources, c device.Choice, s transport.Setup, r role, log *slog.Logger) (*end, error) {
	e := &end{resources: res, vctx: vctx, role: r, choice: c, setup: s, log: log}
	e.endpoint = transport.Endpoint{
		Kind:       transport.RDMA,
		Device:     c.Rail.Name(),
		GID:        netip.AddrFrom16(c.GID.Raw()),
		GIDIndex:   c.GID.Index,
		LID:        c.Rail.LID,
		LinkLayer:  transport.Ethernet,
		MTU:        c.Rail.ActiveMTU,
		MaxMessage: c.Rail.MaxMessage,
		MaxRead:    min(c.Rail.MaxRead, maxReads),
	}
	if c.Rail.LinkLayer == device.InfiniBand {
		e.endpoint.LinkLayer = transport.InfiniBand
	}
	for _, qp := range res.qps {
		psn, err := newPSN()
		if err != nil {
			return nil, errors.Join(err, e.close())
		}
		e.endpoint.QPs = append(e.endpoint.QPs, transport.QP{Number: qp.QPN(), PSN: psn})
	}
	return e, nil
}

// newPSN returns a first packet sequence number that nobody can guess.
func newPSN() (uint32, error) {
	var b [4]byte
	if _, err := rand.Read(b[:]); err != nil {
		return 0, fmt.Errorf("making a packet sequence number: %w", err)
	}
	return binary.BigEndian.Uint32(b[:]) & 0xffffff, nil
}

// close frees the end's objects and its use of the device.
func (e *end) close() error {
	return errors.Join(e.resources.close(), e.vctx.release())
}
