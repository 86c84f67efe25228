package rdmad

import (
	"sync/atomic"

	"github.com/rdmacp/rdmacp/internal/doctor"
	"github.com/rdmacp/rdmacp/internal/wire"
)

// findings are what the last look at this host has found. It may not have ended yet.
type findings struct {
	last atomic.Pointer[[]doctor.Finding]
}

func (f *findings) set(all []doctor.Finding) { f.last.Store(&all) }

func (f *findings) all() []doctor.Finding {
	if last := f.last.Load(); last != nil {
		return *last
	}
	return nil
}

// told are those that clients hear. The disks of the exports are told by name, to those who
// may go there.
func (f *findings) told() []wire.Check { return doctor.Told(f.all()) }

// worst are the checks by how they have ended, of several findings of one the worst.
func (f *findings) worst() map[string]string {
	ends := map[string]string{}
	for id, s := range doctor.Ends(f.all()) {
		ends[id] = string(s)
	}
	return ends
}
