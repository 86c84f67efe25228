package verbs

// SendOp is what a send work request does: enum ibv_wr_opcode.
type SendOp uint32

// The operations. Those with Imm take a receive of the peer and hand it 32 bits.
const (
	OpWrite SendOp = iota
	OpWriteImm
	OpSend
	OpSendImm
	OpRead
)

var sendOps = []string{"RDMA_WRITE", "RDMA_WRITE_WITH_IMM", "SEND", "SEND_WITH_IMM", "RDMA_READ"}

// String returns the operation's name in the C header, without its prefix.
func (o SendOp) String() string { return name(sendOps, "SendOp", int(o)) }

// SendFlags is enum ibv_send_flags.
type SendFlags uint32

// The flags of a send work request.
const (
	// SendFence makes the request wait for the READs that were posted before it.
	SendFence SendFlags = 1 << iota
	// SendSignaled asks for a completion also of a success. A failure always completes.
	SendSignaled
	// SendSolicited wakes a peer that armed its CQ for solicited completions only.
	SendSolicited
	// SendInline copies the data while posting, so that it needs no key and can be reused at once.
	SendInline
)

// String joins the flags' names in the C header, without their prefix.
func (f SendFlags) String() string {
	return flags(uint32(f), []string{"FENCE", "SIGNALED", "SOLICITED", "INLINE"})
}

// SendWR is a send work request with one stretch of memory at each end. It holds no pointers.
// Its memory layout is that of struct rd_send_wr in shim.h.
type SendWR struct {
	// ID comes back in the completion.
	ID    uint64
	Op    SendOp
	Flags SendFlags
	// LKey, Local and Len are the memory here; Len 0 means none.
	LKey Key
	// RKey and Remote are the memory of the peer, for reads and writes.
	RKey   Key
	Local  uint64
	Remote uint64
	Len    uint32
	// Imm is the immediate data, in host byte order.
	Imm uint32
}

// RecvWR is a receive work request. It holds no pointers.
// Its memory layout is that of struct rd_recv_wr in shim.h.
type RecvWR struct {
	// ID comes back in the completion.
	ID   uint64
	LKey Key
	// Len 0 posts a receive without memory, which is enough for a write with immediate data.
	Len   uint32
	Local uint64
}
