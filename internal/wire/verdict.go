package wire

import (
	"fmt"

	"github.com/rdmacp/rdmacp/internal/transfer"
	"github.com/rdmacp/rdmacp/internal/tree"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// fromVerdict sends what goes with the answer.
func fromVerdict(v tree.Verdict) *pb.Verdict {
	m := &pb.Verdict{Id: uint64(v.ID), Answer: pb.Answer(v.Answer), Change: uint32(v.Change)}
	switch v.Answer {
	case tree.Want:
		m.Ranges, m.Compare = each(v.Ranges, fromRange), v.Compare
		m.Resumed, m.Restarted = uint64(max(v.Resumed, 0)), Printable(v.Restarted, MaxText)
	case tree.Fail:
		m.Fault = FromFault(v.Fault)
	case tree.Done, tree.Skip:
	}
	return m
}

func (f faults) toVerdict(m *pb.Verdict) (tree.Verdict, error) {
	v := tree.Verdict{
		ID: int64(m.GetId()), Answer: tree.Answer(min(uint32(m.GetAnswer()), 255)), Change: tree.Change(m.GetChange()),
		Compare: m.GetCompare(), Resumed: int64(m.GetResumed()), Restarted: Printable(m.GetRestarted(), MaxText),
		Fault: f.optional(m.GetFault()),
	}
	wants := v.Answer == tree.Want
	switch {
	case v.ID <= 0 || !v.Answer.Known():
		return v, fmt.Errorf("answer %d on entry %d", v.Answer, v.ID)
	case m.GetChange() >= uint32(tree.Attrs)<<1:
		return v, fmt.Errorf("change %#x of entry %d", m.GetChange(), v.ID)
	case m.GetResumed() > MaxSize:
		return v, fmt.Errorf("%d bytes of entry %d are there", m.GetResumed(), v.ID)
	case (v.Answer == tree.Fail) != (v.Fault != nil):
		return v, fmt.Errorf("answer %d on entry %d with the fault %w", v.Answer, v.ID, v.Fault)
	case !wants && (len(m.GetRanges()) > 0 || v.Compare || v.Resumed != 0 || v.Restarted != ""):
		return v, fmt.Errorf("entry %d is not wanted, but some of it is", v.ID)
	}
	var err error
	v.Ranges, err = toRanges(m.GetRanges(), MaxSize)
	return v, err
}

func fromSeal(s tree.Seal) *pb.Seal {
	if s.Fault != nil {
		return &pb.Seal{Id: uint64(s.ID), Fault: FromFault(s.Fault)}
	}
	return &pb.Seal{Id: uint64(s.ID), Size: uint64(s.Size), Whole: s.Whole}
}

func (f faults) toSeal(m *pb.Seal) (tree.Seal, error) {
	s := tree.Seal{ID: int64(m.GetId()), Size: int64(m.GetSize()), Fault: f.optional(m.GetFault())}
	if len(m.GetWhole()) > 0 {
		s.Whole = m.GetWhole()
	}
	if s.ID <= 0 || m.GetSize() > MaxSize {
		return s, fmt.Errorf("entry %d with %d bytes", s.ID, m.GetSize())
	}
	if n := len(s.Whole); n != 0 && n != 32 {
		return s, fmt.Errorf("entry %d with a digest of %d bytes", s.ID, n)
	}
	if s.Fault != nil && (s.Size != 0 || s.Whole != nil) {
		return s, fmt.Errorf("entry %d was read, and was not", s.ID)
	}
	return s, nil
}

func fromOutcome(o transfer.Outcome) *pb.Outcome {
	return &pb.Outcome{Id: uint64(o.ID), Fault: fromOptional(o.Fault)}
}

func (f faults) toOutcome(m *pb.Outcome) (transfer.Outcome, error) {
	o := transfer.Outcome{ID: int64(m.GetId()), Fault: f.optional(m.GetFault())}
	if o.ID <= 0 {
		return o, fmt.Errorf("entry %d", o.ID)
	}
	return o, nil
}
