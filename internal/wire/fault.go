package wire

import (
	"errors"

	"github.com/rdmacp/rdmacp/internal/fault"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// FromFault returns err as a message: whole if it is a fault, else as an
// internal one.
func FromFault(err error) *pb.Fault {
	f, ok := fault.As(err)
	if !ok {
		return &pb.Fault{Code: pb.FaultCode_FAULT_CODE_INTERNAL, What: "serving the request", Why: err.Error()}
	}
	m := &pb.Fault{Code: pb.FaultCode(f.Code), What: f.What, Fix: f.Fix}
	if f.Why != nil {
		m.Why = f.Why.Error()
	}
	return m
}

// ToFault returns the fault that m holds, as one that happened on host.
func ToFault(m *pb.Fault, host string) *fault.Error {
	code := fault.Code(m.GetCode())
	if !code.Known() || code == fault.OK {
		code = fault.Internal
	}
	f := fault.New(code, Printable(m.GetWhat(), MaxText), nil, Printable(m.GetFix(), MaxText))
	if why := Printable(m.GetWhy(), MaxText); why != "" {
		f.Why = errors.New(why)
	}
	f.Host = host
	return f
}
