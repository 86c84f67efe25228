package wire

import (
	"fmt"
	"strings"
	"time"

	"github.com/rdmacp/rdmacp/internal/storage"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// maxReachable bounds the exports in an ExamineResponse, which has to fit into a message.
const maxReachable = 256

// Examined is what there is at the daemon's end, for a client.
type Examined struct {
	Version string
	Now     time.Time       // by the daemon's clock
	Exports []Reachable     // those that the client may read
	Volume  *storage.Volume // of the directory that was asked for; nil: of none
	Checks  []Check         // of its own host
}

// Reachable is an export that a client may read.
type Reachable struct {
	Name     string
	Writable bool // by this client
}

// FromExamine asks for a look, at a directory unless t is nil.
func FromExamine(t *Target) *pb.ExamineRequest {
	if t == nil {
		return &pb.ExamineRequest{}
	}
	return &pb.ExamineRequest{Target: &pb.Target{Path: []byte(t.Path), Export: strings.ToValidUTF8(t.Export, "\uFFFD")}}
}

// ToExamine returns the directory that m asks for; nil: none.
func ToExamine(m *pb.ExamineRequest) (*Target, error) {
	if m.GetTarget() == nil {
		return nil, nil
	}
	t := Target{Export: m.GetTarget().GetExport(), Path: string(m.GetTarget().GetPath())}
	if err := t.check(); err != nil {
		return nil, invalid("ExamineRequest", err)
	}
	return &t, nil
}

// FromExamined returns e as a message. Exports behind the first 256 are left out, and so are
// checks behind the first 64.
func FromExamined(e Examined) *pb.ExamineResponse {
	m := &pb.ExamineResponse{Version: Printable(e.Version, maxVersion), NowNanos: e.Now.UnixNano(), Checks: fromChecks(e.Checks)}
	for _, r := range e.Exports[:min(len(e.Exports), maxReachable)] {
		m.Exports = append(m.Exports, &pb.ReachableExport{Name: Printable(r.Name, MaxName), Writable: r.Writable})
	}
	if v := e.Volume; v != nil {
		m.Volume = &pb.Volume{
			Kind: Printable(v.Kind, MaxName), ReadOnly: v.ReadOnly, Memory: v.Memory, Reserves: v.Reserves,
			Untried: Printable(v.Untried, MaxText), Buffered: Printable(v.Buffered, MaxText), Wrote: uint64(max(0, v.Wrote)), WroteNanos: nanos(v.Took),
		}
		if v.Known {
			m.Volume.Free = &v.Free
		}
	}
	return m
}

// ToExamined returns what m holds, which is for people only.
func ToExamined(m *pb.ExamineResponse) (e Examined, err error) {
	e = Examined{Version: Printable(m.GetVersion(), maxVersion), Now: time.Unix(0, m.GetNowNanos())}
	if len(m.GetExports()) > maxReachable {
		return e, invalid("ExamineResponse", fmt.Errorf("%d exports in one", len(m.GetExports())))
	}
	for _, r := range m.GetExports() {
		e.Exports = append(e.Exports, Reachable{Printable(r.GetName(), MaxName), r.GetWritable()})
	}
	if v := m.GetVolume(); v != nil {
		e.Volume = &storage.Volume{
			Kind: Printable(v.GetKind(), MaxName), ReadOnly: v.GetReadOnly(), Memory: v.GetMemory(), Reserves: v.GetReserves(),
			Known: v.Free != nil, Free: v.GetFree(),
			Untried: Printable(v.GetUntried(), MaxText), Buffered: Printable(v.GetBuffered(), MaxText),
			Wrote: int64(min(v.GetWrote(), MaxSize)), Took: duration(v.GetWroteNanos()),
		}
	}
	if e.Checks, err = all("checks", m.GetChecks(), maxChecks, toCheck); err != nil {
		return Examined{}, invalid("ExamineResponse", err)
	}
	return e, nil
}
