//go:build linux && cgo

package verbs

/*
#cgo noescape rd_post_send
#cgo nocallback rd_post_send
#cgo noescape rd_post_recv
#cgo nocallback rd_post_recv
#include "shim.h"
*/
import "C"

import (
	"math"
	"unsafe"
)

// PostSend posts work requests to the send queue, in order, and returns how many were taken. If the error is not nil,
// the rest was not; ENOMEM or the like means that the queue is full. Each one that was taken has a completion due, if
// it is signaled or fails, at the latest after ToError. It allocates nothing. One goroutine at a time may post sends
// to a queue pair.
//
// Implements:
//
//	int ibv_post_send(struct ibv_qp *qp, struct ibv_send_wr *wr, struct ibv_send_wr **bad_wr);
func (q *QP) PostSend(wrs []SendWR) (int, error) {
	const op = "ibv_post_send"
	if len(wrs) == 0 {
		return 0, nil
	}
	if err := q.enter(op); err != nil {
		return 0, err
	}
	defer q.leave()
	in := (*C.struct_rd_send_wr)(unsafe.Pointer(unsafe.SliceData(wrs)))
	posted := C.rd_post_send(q.ptr, in, C.int(min(len(wrs), math.MaxInt32)))

	return int(posted.n), fromReturn(op, int(posted.err))
}

// PostRecv posts work requests to the receive queue, in order, and returns how many were taken, as PostSend does.
// One goroutine at a time may post receives to a queue pair.
//
// Implements:
//
//	int ibv_post_recv(struct ibv_qp *qp, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad_wr);
func (q *QP) PostRecv(wrs []RecvWR) (int, error) {
	const op = "ibv_post_recv"
	if len(wrs) == 0 {
		return 0, nil
	}
	if err := q.enter(op); err != nil {
		return 0, err
	}
	defer q.leave()
	in := (*C.struct_rd_recv_wr)(unsafe.Pointer(unsafe.SliceData(wrs)))
	posted := C.rd_post_recv(q.ptr, in, C.int(min(len(wrs), math.MaxInt32)))

	return int(posted.n), fromReturn(op, int(posted.err))
}
