//go:build linux && cgo

package verbs

/*
#include "shim.h"
*/
import "C"

import "unsafe"

// Each line indexes an array of one element with the difference of the Go and the C constant, so a difference other
// than 0 doesn't compile.
var one [1]struct{}

// The enums of ports, devices and GIDs.
var (
	_ = one[MTU256-C.IBV_MTU_256]
	_ = one[MTU512-C.IBV_MTU_512]
	_ = one[MTU1024-C.IBV_MTU_1024]
	_ = one[MTU2048-C.IBV_MTU_2048]
	_ = one[MTU4096-C.IBV_MTU_4096]
	_ = one[PortNop-C.IBV_PORT_NOP]
	_ = one[PortDown-C.IBV_PORT_DOWN]
	_ = one[PortInit-C.IBV_PORT_INIT]
	_ = one[PortArmed-C.IBV_PORT_ARMED]
	_ = one[PortActive-C.IBV_PORT_ACTIVE]
	_ = one[PortActiveDefer-C.IBV_PORT_ACTIVE_DEFER]
	_ = one[LinkLayerUnspecified-C.IBV_LINK_LAYER_UNSPECIFIED]
	_ = one[LinkLayerInfiniBand-C.IBV_LINK_LAYER_INFINIBAND]
	_ = one[LinkLayerEthernet-C.IBV_LINK_LAYER_ETHERNET]
	_ = one[NodeUnknown-C.IBV_NODE_UNKNOWN]
	_ = one[NodeCA-C.IBV_NODE_CA]
	_ = one[NodeSwitch-C.IBV_NODE_SWITCH]
	_ = one[NodeRouter-C.IBV_NODE_ROUTER]
	_ = one[NodeRNIC-C.IBV_NODE_RNIC]
	_ = one[NodeUSNIC-C.IBV_NODE_USNIC]
	_ = one[NodeUSNICUDP-C.IBV_NODE_USNIC_UDP]
	_ = one[NodeUnspecified-C.IBV_NODE_UNSPECIFIED]
	_ = one[TransportUnknown-C.IBV_TRANSPORT_UNKNOWN]
	_ = one[TransportIB-C.IBV_TRANSPORT_IB]
	_ = one[TransportIWARP-C.IBV_TRANSPORT_IWARP]
	_ = one[TransportUSNIC-C.IBV_TRANSPORT_USNIC]
	_ = one[TransportUSNICUDP-C.IBV_TRANSPORT_USNIC_UDP]
	_ = one[TransportUnspecified-C.IBV_TRANSPORT_UNSPECIFIED]
	_ = one[GIDTypeIB-C.IBV_GID_TYPE_IB]
	_ = one[GIDTypeRoCEv1-C.IBV_GID_TYPE_ROCE_V1]
	_ = one[GIDTypeRoCEv2-C.IBV_GID_TYPE_ROCE_V2]
)

// The enums of queue pairs and work requests.
var (
	_ = one[QPStateReset-C.IBV_QPS_RESET]
	_ = one[QPStateInit-C.IBV_QPS_INIT]
	_ = one[QPStateRTR-C.IBV_QPS_RTR]
	_ = one[QPStateRTS-C.IBV_QPS_RTS]
	_ = one[QPStateSQD-C.IBV_QPS_SQD]
	_ = one[QPStateSQE-C.IBV_QPS_SQE]
	_ = one[QPStateErr-C.IBV_QPS_ERR]
	_ = one[QPStateUnknown-C.IBV_QPS_UNKNOWN]
	_ = one[OpWrite-C.IBV_WR_RDMA_WRITE]
	_ = one[OpWriteImm-C.IBV_WR_RDMA_WRITE_WITH_IMM]
	_ = one[OpSend-C.IBV_WR_SEND]
	_ = one[OpSendImm-C.IBV_WR_SEND_WITH_IMM]
	_ = one[OpRead-C.IBV_WR_RDMA_READ]
	_ = one[SendFence-C.IBV_SEND_FENCE]
	_ = one[SendSignaled-C.IBV_SEND_SIGNALED]
	_ = one[SendSolicited-C.IBV_SEND_SOLICITED]
	_ = one[SendInline-C.IBV_SEND_INLINE]
	_ = one[AccessLocalWrite-C.IBV_ACCESS_LOCAL_WRITE]
	_ = one[AccessRemoteWrite-C.IBV_ACCESS_REMOTE_WRITE]
	_ = one[AccessRemoteRead-C.IBV_ACCESS_REMOTE_READ]
	_ = one[AccessRemoteAtomic-C.IBV_ACCESS_REMOTE_ATOMIC]
	_ = one[AccessMWBind-C.IBV_ACCESS_MW_BIND]
	_ = one[AccessZeroBased-C.IBV_ACCESS_ZERO_BASED]
	_ = one[AccessOnDemand-C.IBV_ACCESS_ON_DEMAND]
	_ = one[AccessHugeTLB-C.IBV_ACCESS_HUGETLB]
	_ = one[AccessRelaxedOrdering-C.IBV_ACCESS_RELAXED_ORDERING]
)

// The statuses of completions.
var (
	_ = one[WCSuccess-C.IBV_WC_SUCCESS]
	_ = one[WCLocLenErr-C.IBV_WC_LOC_LEN_ERR]
	_ = one[WCLocQPOpErr-C.IBV_WC_LOC_QP_OP_ERR]
	_ = one[WCLocEECOpErr-C.IBV_WC_LOC_EEC_OP_ERR]
	_ = one[WCLocProtErr-C.IBV_WC_LOC_PROT_ERR]
	_ = one[WCWRFlushErr-C.IBV_WC_WR_FLUSH_ERR]
	_ = one[WCMWBindErr-C.IBV_WC_MW_BIND_ERR]
	_ = one[WCBadRespErr-C.IBV_WC_BAD_RESP_ERR]
	_ = one[WCLocAccessErr-C.IBV_WC_LOC_ACCESS_ERR]
	_ = one[WCRemInvReqErr-C.IBV_WC_REM_INV_REQ_ERR]
	_ = one[WCRemAccessErr-C.IBV_WC_REM_ACCESS_ERR]
	_ = one[WCRemOpErr-C.IBV_WC_REM_OP_ERR]
	_ = one[WCRetryExcErr-C.IBV_WC_RETRY_EXC_ERR]
	_ = one[WCRNRRetryExcErr-C.IBV_WC_RNR_RETRY_EXC_ERR]
	_ = one[WCLocRDDViolErr-C.IBV_WC_LOC_RDD_VIOL_ERR]
	_ = one[WCRemInvRDReqErr-C.IBV_WC_REM_INV_RD_REQ_ERR]
	_ = one[WCRemAbortErr-C.IBV_WC_REM_ABORT_ERR]
	_ = one[WCInvEECNErr-C.IBV_WC_INV_EECN_ERR]
	_ = one[WCInvEECStateErr-C.IBV_WC_INV_EEC_STATE_ERR]
	_ = one[WCFatalErr-C.IBV_WC_FATAL_ERR]
	_ = one[WCRespTimeoutErr-C.IBV_WC_RESP_TIMEOUT_ERR]
	_ = one[WCGeneralErr-C.IBV_WC_GENERAL_ERR]
	_ = one[WCTMErr-C.IBV_WC_TM_ERR]
	_ = one[WCTMRndvIncomplete-C.IBV_WC_TM_RNDV_INCOMPLETE]
)

// The opcodes of completions.
var (
	_ = one[OpcodeSend-C.IBV_WC_SEND]
	_ = one[OpcodeRDMAWrite-C.IBV_WC_RDMA_WRITE]
	_ = one[OpcodeRDMARead-C.IBV_WC_RDMA_READ]
	_ = one[OpcodeCompSwap-C.IBV_WC_COMP_SWAP]
	_ = one[OpcodeFetchAdd-C.IBV_WC_FETCH_ADD]
	_ = one[OpcodeBindMW-C.IBV_WC_BIND_MW]
	_ = one[OpcodeLocalInv-C.IBV_WC_LOCAL_INV]
	_ = one[OpcodeTSO-C.IBV_WC_TSO]
	_ = one[OpcodeAtomicWrite-C.IBV_WC_ATOMIC_WRITE]
	_ = one[OpcodeRecv-C.IBV_WC_RECV]
	_ = one[OpcodeRecvRDMAWithImm-C.IBV_WC_RECV_RDMA_WITH_IMM]
	_ = one[OpcodeTMAdd-C.IBV_WC_TM_ADD]
	_ = one[OpcodeTMDel-C.IBV_WC_TM_DEL]
	_ = one[OpcodeTMSync-C.IBV_WC_TM_SYNC]
	_ = one[OpcodeTMRecv-C.IBV_WC_TM_RECV]
	_ = one[OpcodeTMNoTag-C.IBV_WC_TM_NO_TAG]
	_ = one[OpcodeDriver1-C.IBV_WC_DRIVER1]
	_ = one[OpcodeDriver2-C.IBV_WC_DRIVER2]
	_ = one[OpcodeDriver3-C.IBV_WC_DRIVER3]
)

// The asynchronous events.
var (
	_ = one[EventCQErr-C.IBV_EVENT_CQ_ERR]
	_ = one[EventQPFatal-C.IBV_EVENT_QP_FATAL]
	_ = one[EventQPReqErr-C.IBV_EVENT_QP_REQ_ERR]
	_ = one[EventQPAccessErr-C.IBV_EVENT_QP_ACCESS_ERR]
	_ = one[EventCommEst-C.IBV_EVENT_COMM_EST]
	_ = one[EventSQDrained-C.IBV_EVENT_SQ_DRAINED]
	_ = one[EventPathMig-C.IBV_EVENT_PATH_MIG]
	_ = one[EventPathMigErr-C.IBV_EVENT_PATH_MIG_ERR]
	_ = one[EventDeviceFatal-C.IBV_EVENT_DEVICE_FATAL]
	_ = one[EventPortActive-C.IBV_EVENT_PORT_ACTIVE]
	_ = one[EventPortErr-C.IBV_EVENT_PORT_ERR]
	_ = one[EventLIDChange-C.IBV_EVENT_LID_CHANGE]
	_ = one[EventPKeyChange-C.IBV_EVENT_PKEY_CHANGE]
	_ = one[EventSMChange-C.IBV_EVENT_SM_CHANGE]
	_ = one[EventSRQErr-C.IBV_EVENT_SRQ_ERR]
	_ = one[EventSRQLimitReached-C.IBV_EVENT_SRQ_LIMIT_REACHED]
	_ = one[EventQPLastWQEReached-C.IBV_EVENT_QP_LAST_WQE_REACHED]
	_ = one[EventClientReregister-C.IBV_EVENT_CLIENT_REREGISTER]
	_ = one[EventGIDChange-C.IBV_EVENT_GID_CHANGE]
	_ = one[EventWQFatal-C.IBV_EVENT_WQ_FATAL]
)

// The layouts of the structs that Go and C share.
var (
	_ = one[unsafe.Sizeof(SendWR{})-C.sizeof_struct_rd_send_wr]
	_ = one[unsafe.Offsetof(SendWR{}.Imm)-C.RD_SEND_WR_IMM]
	_ = one[unsafe.Sizeof(RecvWR{})-C.sizeof_struct_rd_recv_wr]
	_ = one[unsafe.Offsetof(RecvWR{}.Local)-C.RD_RECV_WR_LOCAL]
	_ = one[unsafe.Sizeof(WC{})-C.sizeof_struct_rd_wc]
	_ = one[unsafe.Offsetof(WC{}.HasImm)-C.RD_WC_HAS_IMM]
	_ = one[unsafe.Offsetof(WC{}.QPN)-C.RD_WC_QPN]
	_ = one[unsafe.Sizeof(GID{})-C.sizeof_union_ibv_gid]
)
