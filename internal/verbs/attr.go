package verbs

// DeviceInfo is what is known of a device before it is opened.
type DeviceInfo struct {
	Name      string
	GUID      uint64
	NodeType  NodeType
	Transport TransportType
}

// DeviceAttr is what a device can do: struct ibv_device_attr.
type DeviceAttr struct {
	FWVer        string
	NodeGUID     uint64
	VendorID     uint32
	VendorPartID uint32
	HWVer        uint32

	MaxQP, MaxQPWR, MaxSGE int
	MaxCQ, MaxCQE          int
	MaxMR, MaxPD, MaxMW    int
	MaxMRSize              uint64
	// MaxQPRdAtom is how many READs and atomics a QP answers at once; MaxQPInitRdAtom is how many it starts.
	MaxQPRdAtom, MaxQPInitRdAtom int
	PhysPortCount                int
}

// PortAttr is the state of a port: struct ibv_port_attr.
type PortAttr struct {
	State             PortState
	MaxMTU, ActiveMTU MTU
	GIDTableLen       int
	PKeyTableLen      int
	// MaxMsgSize is the longest message that one work request can move.
	MaxMsgSize  uint32
	LID, SMLID  uint16
	LMC, SMSL   uint8
	LinkLayer   LinkLayer
	ActiveWidth uint8
	ActiveSpeed uint8
	PhysState   uint8
	// GRHRequired says that the port can't be addressed by LID alone.
	GRHRequired bool
}

// QPInitAttr says what queue pair to create. Its type is always RC.
type QPInitAttr struct {
	// SendCQ and RecvCQ get the completions; they may be one CQ, and belong to the PD's context.
	SendCQ, RecvCQ *CQ
	// MaxSendWR and MaxRecvWR are how many work requests may be outstanding.
	MaxSendWR, MaxRecvWR int
	// MaxSendSGE and MaxRecvSGE are 1 where 0 is given: this package posts no more.
	MaxSendSGE, MaxRecvSGE int
	// MaxInline is how many bytes a work request may carry itself.
	MaxInline int
	// SigAll makes every send work request produce a completion.
	SigAll bool
}

// QPCaps is what a queue pair got, which is at least what was asked for.
type QPCaps struct {
	MaxSendWR, MaxRecvWR   int
	MaxSendSGE, MaxRecvSGE int
	MaxInline              int
}

// InitAttr are the attributes of the step from RESET to INIT.
type InitAttr struct {
	Port      int
	PKeyIndex int
	// Access is what the peer may do through this queue pair.
	Access Access
}

// RTRAttr are the attributes of the step from INIT to RTR: where the peer is.
type RTRAttr struct {
	// PathMTU must be the same at both ends and at most the active MTU of both ports; rxe doesn't check it.
	PathMTU MTU
	DestQPN uint32
	// RQPSN is the SQPSN that the peer uses.
	RQPSN uint32
	// MaxDestRdAtomic is how many READs of the peer are answered at once.
	MaxDestRdAtomic int
	// MinRNRTimer is the code of the delay that a peer is told when no receive is posted: 12 means 0.64 ms.
	MinRNRTimer int

	Port      int
	SGIDIndex int
	DGID      GID
	DLID      uint16
	// IsGlobal puts DGID on the wire. RoCE requires it.
	IsGlobal     bool
	HopLimit     uint8
	TrafficClass uint8
	SL           uint8
	FlowLabel    uint32
}

// RTSAttr are the attributes of the step from RTR to RTS: how to send.
type RTSAttr struct {
	SQPSN uint32
	// Timeout is the code of the acknowledgement timeout, which is 4.096 us * 2^Timeout; 0 means for ever.
	Timeout int
	// RetryCnt is how often a packet is sent again before the work request fails. On rxe 7 means for ever, so that a
	// dead peer is never noticed; on hardware it means 7.
	RetryCnt int
	// RNRRetry is how often a peer that is not ready is tried again; 7 means for ever on every device.
	RNRRetry int
	// MaxRdAtomic is how many READs are outstanding at once, at most the peer's MaxDestRdAtomic.
	MaxRdAtomic int
}
