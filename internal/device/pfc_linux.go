package device

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// The part of linux/dcbnl.h that asks for priority flow control.
const (
	dcbIEEEGet  = 21 // command
	dcbIfName   = 1  // attributes
	dcbIEEE     = 13
	dcbPFC      = 2 // in the one above
	dcbHeader   = 4 // bytes of struct dcbmsg
	pfcEnabled  = 1 // offsets in struct ieee_pfc
	pfcRequests = 8
	pfcHeard    = 72
	pfcSize     = 136
	priorities  = 8
)

// PriorityFlow asks the driver of a network device for it. Many drivers have none.
func PriorityFlow(netDev string) (p PFC, err error) {
	conn, err := netlink.Dial(unix.NETLINK_ROUTE, nil)
	if err != nil {
		return p, fmt.Errorf("netlink: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	attrs := netlink.NewAttributeEncoder()
	attrs.String(dcbIfName, netDev)
	b, err := attrs.Encode()
	if err != nil {
		return p, err
	}
	all, err := conn.Execute(netlink.Message{
		Header: netlink.Header{Type: unix.RTM_GETDCB, Flags: netlink.Request},
		Data:   append([]byte{unix.AF_UNSPEC, dcbIEEEGet, 0, 0}, b...),
	})
	if err != nil {
		return p, fmt.Errorf("dcbnl: %w", err)
	}
	for _, m := range all {
		if p, err = readPFC(m.Data); err == nil {
			return p, nil
		}
	}
	return p, errors.New("dcbnl: there is no priority flow control in the answer")
}

// readPFC reads an answer.
func readPFC(b []byte) (p PFC, err error) {
	if len(b) < dcbHeader {
		return p, errors.New("dcbnl: a short answer")
	}
	raw := []byte(nil)
	attrs, err := netlink.NewAttributeDecoder(b[dcbHeader:])
	if err != nil {
		return p, err
	}
	for attrs.Next() {
		if attrs.Type() != dcbIEEE {
			continue
		}
		attrs.Nested(func(in *netlink.AttributeDecoder) error {
			for in.Next() {
				if in.Type() == dcbPFC {
					raw = in.Bytes()
				}
			}
			return nil
		})
	}
	if err := attrs.Err(); err != nil {
		return p, err
	}
	if len(raw) < pfcSize {
		return p, errors.New("dcbnl: no priority flow control")
	}
	p.Priorities = raw[pfcEnabled]
	for i := range priorities {
		p.Sent += binary.NativeEndian.Uint64(raw[pfcRequests+8*i:])
		p.Received += binary.NativeEndian.Uint64(raw[pfcHeard+8*i:])
	}
	return p, nil
}
