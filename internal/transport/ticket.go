package transport

import "log/slog"

// Ticket names a loan on the wire. It means something only to the transport
// that made it, and only as long as the connection lives.
type Ticket struct {
	Addr uint64 // remote virtual address of the first byte (IOVA)
	RKey uint32 // remote key of the memory region that holds it
	Len  uint32 // length in bytes
	Slot uint16 // slot of the lender's pool
	Rail uint8  // of several that a connection has; 0: the first
	Gen  uint16 // how often the slot had been lent before, so that a late word about an earlier loan is told apart
}

// Imm packs slot and generation into the immediate value that a push carries.
func (t Ticket) Imm() uint32 { return uint32(t.Slot)<<16 | uint32(t.Gen) }

// LogValue keeps the key, which is a capability, out of logs.
func (t Ticket) LogValue() slog.Value {
	return slog.GroupValue(slog.Uint64("slot", uint64(t.Slot)), slog.Uint64("gen", uint64(t.Gen)), slog.Uint64("len", uint64(t.Len)))
}
