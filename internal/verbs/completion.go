package verbs

// WCStatus is enum ibv_wc_status: how a work request ended.
type WCStatus uint32

// The statuses of a completion.
const (
	WCSuccess WCStatus = iota
	WCLocLenErr
	WCLocQPOpErr
	WCLocEECOpErr
	WCLocProtErr
	WCWRFlushErr
	WCMWBindErr
	WCBadRespErr
	WCLocAccessErr
	WCRemInvReqErr
	WCRemAccessErr
	WCRemOpErr
	WCRetryExcErr
	WCRNRRetryExcErr
	WCLocRDDViolErr
	WCRemInvRDReqErr
	WCRemAbortErr
	WCInvEECNErr
	WCInvEECStateErr
	WCFatalErr
	WCRespTimeoutErr
	WCGeneralErr
	WCTMErr
	WCTMRndvIncomplete
)

var wcStatuses = []string{
	"success", "local length error", "local QP operation error", "local EE context operation error",
	"local protection error", "work request flushed", "memory window bind error", "bad response",
	"local access error", "remote invalid request", "remote access error", "remote operation error",
	"transport retry counter exceeded", "RNR retry counter exceeded", "local RDD violation",
	"remote invalid RD request", "remote aborted", "invalid EE context number", "invalid EE context state",
	"fatal error", "response timeout", "general error", "tag matching error", "tag matching rendezvous incomplete",
}

// String describes the status as ibv_wc_status_str does.
func (s WCStatus) String() string { return name(wcStatuses, "WCStatus", int(s)) }

// Opcode is enum ibv_wc_opcode: what a completion completes.
type Opcode uint32

// The opcodes of a completion; those from OpcodeRecv on are of receives.
const (
	OpcodeSend Opcode = iota
	OpcodeRDMAWrite
	OpcodeRDMARead
	OpcodeCompSwap
	OpcodeFetchAdd
	OpcodeBindMW
	OpcodeLocalInv
	OpcodeTSO
	_
	OpcodeAtomicWrite

	OpcodeRecv Opcode = iota + 118
	OpcodeRecvRDMAWithImm
	OpcodeTMAdd
	OpcodeTMDel
	OpcodeTMSync
	OpcodeTMRecv
	OpcodeTMNoTag
	OpcodeDriver1
	OpcodeDriver2
	OpcodeDriver3
)

var opcodes = []string{
	OpcodeSend: "SEND", OpcodeRDMAWrite: "RDMA_WRITE", OpcodeRDMARead: "RDMA_READ", OpcodeCompSwap: "COMP_SWAP",
	OpcodeFetchAdd: "FETCH_ADD", OpcodeBindMW: "BIND_MW", OpcodeLocalInv: "LOCAL_INV", OpcodeTSO: "TSO",
	OpcodeAtomicWrite: "ATOMIC_WRITE", OpcodeRecv: "RECV", OpcodeRecvRDMAWithImm: "RECV_RDMA_WITH_IMM",
	OpcodeTMAdd: "TM_ADD", OpcodeTMDel: "TM_DEL", OpcodeTMSync: "TM_SYNC", OpcodeTMRecv: "TM_RECV",
	OpcodeTMNoTag: "TM_NO_TAG", OpcodeDriver1: "DRIVER1", OpcodeDriver2: "DRIVER2", OpcodeDriver3: "DRIVER3",
}

// String returns the opcode's name in the C header, without its prefix.
func (o Opcode) String() string { return name(opcodes, "Opcode", int(o)) }

// WC is one completion. Of a failed one only ID, Status, VendorErr and QPN mean anything.
// Its memory layout is that of struct rd_wc in shim.h, so that C fills a slice of them directly.
type WC struct {
	ID        uint64
	Status    WCStatus
	Op        Opcode
	VendorErr uint32
	// Len is the number of bytes that a receive or an RDMA READ brought.
	Len uint32
	// Imm is the immediate data, in host byte order, if HasImm is true.
	Imm    uint32
	HasImm bool
	QPN    uint32
}

// Err returns nil for a success and a *CompletionError otherwise.
func (wc WC) Err() error {
	if wc.Status == WCSuccess {
		return nil
	}

	return &CompletionError{Status: wc.Status, Op: wc.Op, WRID: wc.ID, QPN: wc.QPN, VendorErr: wc.VendorErr}
}
