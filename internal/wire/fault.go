package wire

import (
	"errors"

	"github.com/rdmacp/rdmacp/internal/fault"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// FromFault returns err as a message: whole if it is a fault, else as an
// internal one. Texts are made printable here too: they hold file names, which
// may be any bytes, and a message with a string that is not UTF-8 is not sent.
func FromFault(err error) *pb.Fault {
	f, ok := fault.As(err)
	if !ok {
		return &pb.Fault{Code: pb.FaultCode_FAULT_CODE_INTERNAL, What: "serving the request", Why: Printable(err.Error(), MaxText)}
	}
	m := &pb.Fault{Code: pb.FaultCode(f.Code), What: Printable(f.What, MaxText), Fix: Printable(f.Fix, MaxText), Yours: f.Host != ""}
	if f.Why != nil {
		m.Why = Printable(f.Why.Error(), MaxText)
	}
	return m
}

// ToFault returns the fault that m holds, as one that happened on host, or here where it
// comes back: the daemon's answer to a file that this end could not read is this end's fault.
func ToFault(m *pb.Fault, host string) *fault.Error {
	code := fault.Code(m.GetCode())
	if !code.Known() || code == fault.OK {
		code = fault.Internal
	}
	f := fault.New(code, Printable(m.GetWhat(), MaxText), nil, Printable(m.GetFix(), MaxText))
	if why := Printable(m.GetWhy(), MaxText); why != "" {
		f.Why = errors.New(why)
	}
	if !m.GetYours() {
		f.Host = host
	}
	return f
}
