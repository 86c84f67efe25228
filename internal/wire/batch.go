package wire

import (
	"fmt"
	"slices"

	"github.com/rdmacp/rdmacp/internal/transfer"
	"github.com/rdmacp/rdmacp/internal/tree"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// FromBatch returns b as a message.
func FromBatch(b transfer.Batch) *pb.Batch {
	m := &pb.Batch{
		Entries:  each(b.Entries, fromEntry),
		Last:     b.Last,
		Problems: each(b.Problems, fromProblem),
		Removed:  each(b.Removed, clipped),
		Offers:   each(b.Offers, FromOffer),
		Settled:  each(b.Settled, fromSettlement),
		Done:     b.Done,
	}
	m.Wanted, m.Verdicts = splitVerdicts(b.Verdicts)
	m.Sealed, m.Seals = split(b.Seals, plainSeal, fromSeal)
	m.Placed, m.Outcomes = split(b.Outcomes, plainOutcome, fromOutcome)
	return m
}

// ToBatch returns what m holds, which host has said. It checks what can be seen
// from the message alone; what follows from those before is for the engine.
func ToBatch(m *pb.Batch, host string) (b transfer.Batch, err error) {
	b.Last, b.Done = m.GetLast(), m.GetDone()
	f := faults{host}
	if b.Entries, err = all("entries", m.GetEntries(), MaxItems, toEntry); err != nil {
		return b, invalid("Batch", err)
	}
	if b.Problems, err = all("problems", m.GetProblems(), MaxItems, f.toProblem); err != nil {
		return b, invalid("Batch", err)
	}
	if b.Removed, err = all("removed paths", m.GetRemoved(), MaxItems, toPath); err != nil {
		return b, invalid("Batch", err)
	}
	if err := checkPaths(b); err != nil {
		return b, invalid("Batch", err)
	}
	if b.Verdicts, err = f.toVerdicts(m); err != nil {
		return b, invalid("Batch", err)
	}
	if b.Seals, err = joined("seals", m.GetSealed(), 2, toPlainSeal, m.GetSeals(), f.toSeal); err != nil {
		return b, invalid("Batch", err)
	}
	if b.Offers, err = all("offers", m.GetOffers(), MaxOffers, toOffer); err != nil {
		return b, invalid("Batch", err)
	}
	if b.Settled, err = all("settlements", m.GetSettled(), MaxItems, toSettlement); err != nil {
		return b, invalid("Batch", err)
	}
	if b.Outcomes, err = joined("outcomes", m.GetPlaced(), 1, toPlainOutcome, m.GetOutcomes(), f.toOutcome); err != nil {
		return b, invalid("Batch", err)
	}
	return b, nil
}

// each turns values into messages.
func each[V, M any](vs []V, from func(V) M) []M {
	if len(vs) == 0 {
		return nil
	}
	ms := make([]M, 0, len(vs))
	for _, v := range vs {
		ms = append(ms, from(v))
	}
	return ms
}

// all turns messages, most of them at most, into values.
func all[M, V any](what string, ms []M, most int, to func(M) (V, error)) ([]V, error) {
	if len(ms) > most {
		return nil, fmt.Errorf("%d %s in one message", len(ms), what)
	}
	if len(ms) == 0 {
		return nil, nil
	}
	vs := make([]V, 0, len(ms))
	for _, m := range ms {
		v, err := to(m)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		vs = append(vs, v)
	}
	return vs, nil
}

// clipped is a path that may be too long to be sent. It is for people only.
func clipped(path string) []byte { return []byte(path[:min(len(path), MaxPaths)]) }

// checkPaths bounds what paths take in all.
func checkPaths(b transfer.Batch) error {
	problems, removed := 0, 0
	for _, p := range b.Problems {
		problems += len(p.Path)
	}
	for _, p := range b.Removed {
		removed += len(p)
	}
	if problems > MaxPaths || removed > MaxPaths {
		return fmt.Errorf("paths of %d bytes", max(problems, removed))
	}
	return nil
}

func toPath(b []byte) (string, error) {
	if slices.Contains(b, 0) {
		return "", errNUL
	}
	return string(b), nil
}

func fromProblem(p tree.Problem) *pb.Problem {
	return &pb.Problem{Path: clipped(p.Path), Fault: FromFault(p.Fault)}
}

// faults are the faults that a host tells of.
type faults struct{ host string }

func (f faults) toProblem(m *pb.Problem) (tree.Problem, error) {
	path, err := toPath(m.GetPath())
	if err == nil && m.GetFault() == nil {
		err = errNoFault
	}
	return tree.Problem{Path: path, Fault: ToFault(m.GetFault(), f.host)}, err
}

// optional is the fault that m holds, if there is one.
func (f faults) optional(m *pb.Fault) error {
	if m == nil {
		return nil
	}
	return ToFault(m, f.host)
}

// fromOptional is err as a message; nil is none.
func fromOptional(err error) *pb.Fault {
	if err == nil {
		return nil
	}
	return FromFault(err)
}
