package verbs

import (
	"context"
	"io"
)

// The methods that both builds must have: a stub that lags behind doesn't compile with this file.
var (
	_ = [...]io.Closer{(*Context)(nil), (*PD)(nil), (*MR)(nil), (*CompChannel)(nil), (*CQ)(nil), (*QP)(nil)}

	_ interface {
		Name() string
		Attr() (DeviceAttr, error)
		Port(port int) (PortAttr, error)
		GID(port, index int) (GID, error)
		GIDTable() ([]GIDEntry, error)
		NextEvent(ctx context.Context) (AsyncEvent, error)
		AllocPD() (*PD, error)
		CreateCompChannel() (*CompChannel, error)
		CreateCQ(depth int, ch *CompChannel) (*CQ, error)
	} = (*Context)(nil)

	_ interface {
		RegMR(mem []byte, access Access) (*MR, error)
		RegMRIOVA(mem []byte, iova uint64, access Access) (*MR, error)
		CreateQP(attr QPInitAttr) (*QP, error)
	} = (*PD)(nil)

	_ interface {
		LKey() Key
		RKey() Key
		Addr() uint64
		Len() int
	} = (*MR)(nil)

	_ interface {
		Wait(ctx context.Context) (*CQ, error)
	} = (*CompChannel)(nil)

	_ interface {
		Depth() int
		Poll(dst []WC) (int, error)
		ReqNotify(solicitedOnly bool) error
	} = (*CQ)(nil)

	_ interface {
		QPN() uint32
		Caps() QPCaps
		MaxInline() int
		State() (QPState, error)
		ToInit(attr InitAttr) error
		ToRTR(attr RTRAttr) error
		ToRTS(attr RTSAttr) error
		ToError() error
		ToReset() error
		PostSend(wrs []SendWR) (int, error)
		PostRecv(wrs []RecvWR) (int, error)
	} = (*QP)(nil)
)
