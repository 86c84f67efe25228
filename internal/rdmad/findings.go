package rdmad

import (
	"sync/atomic"
	"time"

	"github.com/rdmacp/rdmacp/internal/doctor"
	"github.com/rdmacp/rdmacp/internal/wire"
)

// findings are what the last look at this host has found. It may not have ended yet.
type findings struct {
	last  atomic.Pointer[look]
	again chan chan struct{} // asks for another look, after which what is in it is closed; nil: nobody looks again
}

// look is what was found at a moment.
type look struct {
	found []doctor.Finding
	at    time.Time
}

func newFindings() *findings { return &findings{again: make(chan chan struct{})} }

func (f *findings) set(all []doctor.Finding) { f.last.Store(&look{all, time.Now()}) }

func (f *findings) all() []doctor.Finding {
	if last := f.last.Load(); last != nil {
		return last.found
	}
	return nil
}

// freshFor is how old findings may be that a client hears: it may just have mended what it heard
// of before.
const freshFor = 2 * time.Second

// fresh reports whether the last look was a moment ago.
func (f *findings) fresh() bool {
	last := f.last.Load()
	return last != nil && time.Since(last.at) < freshFor
}

// renew has the host looked at again, and waits for that, unless it was a moment ago. A driver
// that does not answer is not waited for.
func (f *findings) renew() {
	if f.again == nil || f.fresh() {
		return
	}
	done, limit := make(chan struct{}), time.After(lookLimit)
	select {
	case f.again <- done:
	case <-limit:
		return
	}
	select {
	case <-done:
	case <-limit:
	}
}

// told are those that clients hear. The disks of the exports are told by name, to those who
// may go there.
func (f *findings) told() []wire.Check {
	f.renew()
	return doctor.Told(f.all())
}

// worst are the checks by how they have ended, of several findings of one the worst.
func (f *findings) worst() map[string]string {
	ends := map[string]string{}
	for id, s := range doctor.Ends(f.all()) {
		ends[id] = string(s)
	}
	return ends
}
