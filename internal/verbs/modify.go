//go:build linux && cgo

package verbs

/*
#include "shim.h"
*/
import "C"

import (
	"math"
	"unsafe"
)

// ToInit moves the queue pair from RESET to INIT. Receives can be posted from then on.
//
// Implements:
//
//	int ibv_modify_qp(struct ibv_qp *qp, struct ibv_qp_attr *attr, int attr_mask);
func (q *QP) ToInit(attr InitAttr) error {
	const op = "ibv_modify_qp(INIT)"
	if err := inRange(op, math.MaxUint8, attr.Port); err != nil {
		return err
	}
	if err := inRange(op, math.MaxUint16, attr.PKeyIndex); err != nil {
		return err
	}
	var a C.struct_ibv_qp_attr
	a.qp_state = C.IBV_QPS_INIT
	a.port_num = C.uint8_t(attr.Port)
	a.pkey_index = C.uint16_t(attr.PKeyIndex)
	a.qp_access_flags = C.uint(attr.Access)

	return q.modify(op, &a, C.IBV_QP_STATE|C.IBV_QP_PORT|C.IBV_QP_PKEY_INDEX|C.IBV_QP_ACCESS_FLAGS)
}

// ToRTR moves the queue pair from INIT to RTR: it answers its peer from then on. On RoCE the kernel resolves the
// peer's hardware address meanwhile, which may block the thread for a second and end in ETIMEDOUT, ENETUNREACH or
// EHOSTUNREACH; it is worth another try.
//
// Implements:
//
//	int ibv_modify_qp(struct ibv_qp *qp, struct ibv_qp_attr *attr, int attr_mask);
func (q *QP) ToRTR(attr RTRAttr) error {
	const op = "ibv_modify_qp(RTR)"
	if err := inRange(op, math.MaxUint8, attr.MaxDestRdAtomic, attr.MinRNRTimer, attr.Port, attr.SGIDIndex); err != nil {
		return err
	}
	var a C.struct_ibv_qp_attr
	a.qp_state = C.IBV_QPS_RTR
	a.path_mtu = uint32(attr.PathMTU)
	a.dest_qp_num = C.uint32_t(attr.DestQPN)
	a.rq_psn = C.uint32_t(attr.RQPSN)
	a.max_dest_rd_atomic = C.uint8_t(attr.MaxDestRdAtomic)
	a.min_rnr_timer = C.uint8_t(attr.MinRNRTimer)

	ah := &a.ah_attr
	ah.port_num = C.uint8_t(attr.Port)
	ah.dlid = C.uint16_t(attr.DLID)
	ah.sl = C.uint8_t(attr.SL)
	if attr.IsGlobal {
		ah.is_global = 1
		ah.grh.dgid = *(*C.union_ibv_gid)(unsafe.Pointer(&attr.DGID))
		ah.grh.sgid_index = C.uint8_t(attr.SGIDIndex)
		ah.grh.hop_limit = C.uint8_t(attr.HopLimit)
		ah.grh.traffic_class = C.uint8_t(attr.TrafficClass)
		ah.grh.flow_label = C.uint32_t(attr.FlowLabel)
	}

	return q.modify(op, &a, C.IBV_QP_STATE|C.IBV_QP_AV|C.IBV_QP_PATH_MTU|C.IBV_QP_DEST_QPN|C.IBV_QP_RQ_PSN|
		C.IBV_QP_MAX_DEST_RD_ATOMIC|C.IBV_QP_MIN_RNR_TIMER)
}

// ToRTS moves the queue pair from RTR to RTS: it may send from then on.
//
// Implements:
//
//	int ibv_modify_qp(struct ibv_qp *qp, struct ibv_qp_attr *attr, int attr_mask);
func (q *QP) ToRTS(attr RTSAttr) error {
	const op = "ibv_modify_qp(RTS)"
	if err := inRange(op, math.MaxUint8, attr.Timeout, attr.RetryCnt, attr.RNRRetry, attr.MaxRdAtomic); err != nil {
		return err
	}
	var a C.struct_ibv_qp_attr
	a.qp_state = C.IBV_QPS_RTS
	a.sq_psn = C.uint32_t(attr.SQPSN)
	a.timeout = C.uint8_t(attr.Timeout)
	a.retry_cnt = C.uint8_t(attr.RetryCnt)
	a.rnr_retry = C.uint8_t(attr.RNRRetry)
	a.max_rd_atomic = C.uint8_t(attr.MaxRdAtomic)

	return q.modify(op, &a, C.IBV_QP_STATE|C.IBV_QP_SQ_PSN|C.IBV_QP_TIMEOUT|C.IBV_QP_RETRY_CNT|C.IBV_QP_RNR_RETRY|
		C.IBV_QP_MAX_QP_RD_ATOMIC)
}

// ToError moves the queue pair, from any state, to ERR: it sends and answers no more, and every outstanding work
// request completes, those that had not ended as flushed.
//
// Implements:
//
//	int ibv_modify_qp(struct ibv_qp *qp, struct ibv_qp_attr *attr, int attr_mask);
func (q *QP) ToError() error {
	var a C.struct_ibv_qp_attr
	a.qp_state = C.IBV_QPS_ERR

	return q.modify("ibv_modify_qp(ERR)", &a, C.IBV_QP_STATE)
}

// ToReset moves the queue pair, from any state, to RESET, from where it can be connected anew: what was outstanding
// vanishes without a completion.
//
// Implements:
//
//	int ibv_modify_qp(struct ibv_qp *qp, struct ibv_qp_attr *attr, int attr_mask);
func (q *QP) ToReset() error {
	var a C.struct_ibv_qp_attr
	a.qp_state = C.IBV_QPS_RESET

	return q.modify("ibv_modify_qp(RESET)", &a, C.IBV_QP_STATE)
}

func (q *QP) modify(op string, attr *C.struct_ibv_qp_attr, mask C.int) error {
	if err := q.enter(op); err != nil {
		return err
	}
	defer q.leave()

	return fromReturn(op, int(C.rd_modify_qp(q.ptr, attr, mask)))
}
