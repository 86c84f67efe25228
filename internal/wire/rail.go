package wire

import (
	"errors"

	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/rails"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// Rail asks for one more rail, or answers that.
type Rail struct {
	Endpoint transport.Endpoint // without queue pairs: there is none, for that Reason
	Lost     int                // number of the rail in whose place it is; the client's
	Reason   string
}

// None reports whether an answer is that no rail could be made.
func (r Rail) None() bool { return len(r.Endpoint.QPs) == 0 }

// FromRail returns r as a message.
func FromRail(r Rail) *pb.Rail {
	m := &pb.Rail{Lost: uint32(r.Lost), Reason: Printable(r.Reason, MaxText)}
	if !r.None() {
		m.Endpoint = FromEndpoint(r.Endpoint)
	}
	return m
}

// ToRail returns what m holds.
func ToRail(m *pb.Rail) (r Rail, err error) {
	r.Reason = Printable(m.GetReason(), MaxText)
	if r.Lost, err = inRange("lost rail", uint64(m.GetLost()), 0, rails.Ever-1); err != nil {
		return r, invalid("Rail", err)
	}
	if m.GetEndpoint() == nil {
		return r, nil
	}
	r.Endpoint, err = toRail(m.GetEndpoint())
	if err == nil && r.None() {
		err = errors.New("no queue pairs")
	}
	if err != nil {
		return r, invalid("Rail", err)
	}
	return r, nil
}
