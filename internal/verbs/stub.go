//go:build !linux || !cgo

package verbs

import (
	"context"
	"fmt"
)

// errStub is what every call of this build returns.
var errStub = fmt.Errorf("verbs: %w: RDMA needs Linux and a build with CGO_ENABLED=1", ErrNotSupported)

// Devices fails with ErrNotSupported.
func Devices() ([]DeviceInfo, error) { return nil, errStub }

// Open fails with ErrNotSupported.
func Open(string) (*Context, error) { return nil, errStub }

// The objects of this build can't be had. Their methods are here so that callers build.
type (
	// Context is an open device.
	Context struct{}
	// PD is a protection domain.
	PD struct{}
	// MR is a registered memory region.
	MR struct{}
	// CompChannel is a completion channel.
	CompChannel struct{}
	// CQ is a completion queue.
	CQ struct{}
	// QP is a reliable connected queue pair.
	QP struct{}
)

// Name returns an empty string.
func (*Context) Name() string { return "" }

// Attr fails with ErrNotSupported.
func (*Context) Attr() (DeviceAttr, error) { return DeviceAttr{}, errStub }

// Port fails with ErrNotSupported.
func (*Context) Port(int) (PortAttr, error) { return PortAttr{}, errStub }

// GID fails with ErrNotSupported.
func (*Context) GID(int, int) (GID, error) { return GID{}, errStub }

// GIDTable fails with ErrNotSupported.
func (*Context) GIDTable() ([]GIDEntry, error) { return nil, errStub }

// NextEvent fails with ErrNotSupported.
func (*Context) NextEvent(context.Context) (AsyncEvent, error) { return AsyncEvent{}, errStub }

// AllocPD fails with ErrNotSupported.
func (*Context) AllocPD() (*PD, error) { return nil, errStub }

// CreateCompChannel fails with ErrNotSupported.
func (*Context) CreateCompChannel() (*CompChannel, error) { return nil, errStub }

// CreateCQ fails with ErrNotSupported.
func (*Context) CreateCQ(int, *CompChannel) (*CQ, error) { return nil, errStub }

// Close does nothing.
func (*Context) Close() error { return nil }

// RegMR fails with ErrNotSupported.
func (*PD) RegMR([]byte, Access) (*MR, error) { return nil, errStub }

// RegMRIOVA fails with ErrNotSupported.
func (*PD) RegMRIOVA([]byte, uint64, Access) (*MR, error) { return nil, errStub }

// CreateQP fails with ErrNotSupported.
func (*PD) CreateQP(QPInitAttr) (*QP, error) { return nil, errStub }

// Close does nothing.
func (*PD) Close() error { return nil }

// LKey returns 0.
func (*MR) LKey() Key { return 0 }

// RKey returns 0.
func (*MR) RKey() Key { return 0 }

// Addr returns 0.
func (*MR) Addr() uint64 { return 0 }

// Len returns 0.
func (*MR) Len() int { return 0 }

// Close does nothing.
func (*MR) Close() error { return nil }

// Wait fails with ErrNotSupported.
func (*CompChannel) Wait(context.Context) (*CQ, error) { return nil, errStub }

// Close does nothing.
func (*CompChannel) Close() error { return nil }

// Depth returns 0.
func (*CQ) Depth() int { return 0 }

// Poll fails with ErrNotSupported.
func (*CQ) Poll([]WC) (int, error) { return 0, errStub }

// ReqNotify fails with ErrNotSupported.
func (*CQ) ReqNotify(bool) error { return errStub }

// Close does nothing.
func (*CQ) Close() error { return nil }

// QPN returns 0.
func (*QP) QPN() uint32 { return 0 }

// Caps returns zeros.
func (*QP) Caps() QPCaps { return QPCaps{} }

// MaxInline returns 0.
func (*QP) MaxInline() int { return 0 }

// State fails with ErrNotSupported.
func (*QP) State() (QPState, error) { return QPStateUnknown, errStub }

// ToInit fails with ErrNotSupported.
func (*QP) ToInit(InitAttr) error { return errStub }

// ToRTR fails with ErrNotSupported.
func (*QP) ToRTR(RTRAttr) error { return errStub }

// ToRTS fails with ErrNotSupported.
func (*QP) ToRTS(RTSAttr) error { return errStub }

// ToError fails with ErrNotSupported.
func (*QP) ToError() error { return errStub }

// ToReset fails with ErrNotSupported.
func (*QP) ToReset() error { return errStub }

// PostSend fails with ErrNotSupported.
func (*QP) PostSend([]SendWR) (int, error) { return 0, errStub }

// PostRecv fails with ErrNotSupported.
func (*QP) PostRecv([]RecvWR) (int, error) { return 0, errStub }

// Close does nothing.
func (*QP) Close() error { return nil }
