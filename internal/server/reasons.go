package server

import (
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/wire"
)

// otherReason is that of a client that does not tell, or tells what is not among Reasons.
const otherReason = "other"

// Reasons are why sessions go by TCP whose clients wanted RDMA, as they are counted: how the try by
// RDMA has ended.
func Reasons() []string {
	return []string{fault.NoDevice.String(), fault.Path.String(), fault.Memlock.String(), otherReason}
}

// reasonOf is one of Reasons; empty where RDMA was not wanted, or is what the session goes by.
func reasonOf(h wire.Hello) string {
	if h.Fallback == "" {
		return ""
	}
	switch h.FallbackCode { //nolint:exhaustive // the client may say whatever it likes
	case fault.NoDevice, fault.Path, fault.Memlock:
		return h.FallbackCode.String()
	default:
		return otherReason
	}
}
