package wire

import (
	"fmt"
	"regexp"

	"github.com/rdmacp/rdmacp/internal/fault"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// Bounds of the checks in an ExamineResponse, which has to fit into a message.
const (
	maxChecks    = 64
	maxCheckText = 1024
)

// checkID is what a check may be called, as it stands in docs/doctor.md.
var checkID = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

// CheckStatus is how a check has ended.
type CheckStatus int

// The ends of a check, numbered as in rdmacp.v1.CheckStatus.
const (
	CheckOK   CheckStatus = 1
	CheckWarn CheckStatus = 2
	CheckFail CheckStatus = 3
	CheckSkip CheckStatus = 4
)

// Check is what a daemon has found of its own host.
type Check struct {
	ID                      string
	Status                  CheckStatus
	Observed, Expected, Fix string
	Code                    fault.Code // of one that failed
}

// fromChecks returns the first of them as messages.
func fromChecks(all []Check) (ms []*pb.Check) {
	for _, c := range all[:min(len(all), maxChecks)] {
		ms = append(ms, &pb.Check{
			Id: c.ID, Status: pb.CheckStatus(c.Status), Observed: Printable(c.Observed, maxCheckText),
			Expected: Printable(c.Expected, MaxName), Fix: Printable(c.Fix, maxCheckText), Code: pb.FaultCode(c.Code),
		})
	}
	return ms
}

// toCheck returns the check that m holds, which is for people only.
func toCheck(m *pb.Check) (Check, error) {
	c := Check{
		ID: m.GetId(), Status: CheckStatus(m.GetStatus()), Observed: Printable(m.GetObserved(), maxCheckText),
		Expected: Printable(m.GetExpected(), MaxName), Fix: Printable(m.GetFix(), maxCheckText), Code: fault.Code(m.GetCode()),
	}
	if !checkID.MatchString(c.ID) {
		return Check{}, fmt.Errorf("a check called %q", Printable(c.ID, MaxName))
	}
	if c.Status < CheckOK || c.Status > CheckSkip {
		return Check{}, fmt.Errorf("a check that has ended with %d", c.Status)
	}
	if c.Status != CheckFail {
		c.Code = fault.OK
	} else if !c.Code.Known() || c.Code == fault.OK {
		c.Code = fault.Internal
	}
	return c, nil
}
