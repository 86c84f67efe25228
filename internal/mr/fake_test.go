package mr

import (
	"context"
	"errors"
	"testing"

	"github.com/rdmacp/rdmacp/internal/testenv"
	"github.com/rdmacp/rdmacp/internal/verbs"
)

// fakeRegion stands in for a *verbs.MR.
type fakeRegion struct {
	mem      []byte
	access   verbs.Access
	closed   int     // how often it was closed with success
	closeErr []error // of the next calls of Close
}

const fakeIOVA = 0x7000_0000_0000

func (*fakeRegion) LKey() verbs.Key { return 1 }
func (*fakeRegion) RKey() verbs.Key { return 2 }
func (*fakeRegion) Addr() uint64    { return fakeIOVA }

func (r *fakeRegion) Close() error {
	if len(r.closeErr) > 0 {
		err := r.closeErr[0]
		r.closeErr = r.closeErr[1:]
		return err
	}
	// As ibv_dereg_mr has to come before munmap, the memory must still be there.
	r.mem[0], r.mem[len(r.mem)-1] = 1, 1
	r.closed++
	return nil
}

// register is a registrar that gives out r.
func (r *fakeRegion) register(mem []byte, access verbs.Access) (region, error) {
	r.mem, r.access = mem, access
	return r, nil
}

// refuse returns a registrar that fails.
func refuse(err error) registrar {
	return func([]byte, verbs.Access) (region, error) { return nil, err }
}

// testPool makes a pool over a fake region, which is closed with the test.
func testPool(t *testing.T, slotSize, slots int) (*Pool, *fakeRegion) {
	t.Helper()
	r := &fakeRegion{}
	p, err := newPool(r.register, nil, slotSize, slots, verbs.AccessLocalWrite)
	if errors.Is(err, verbs.ErrNotSupported) {
		testenv.Missing(t, "Linux: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if r.closed != 1 {
			t.Errorf("the region was closed %d times", r.closed)
		}
	})
	return p, r
}

// acquire takes a lease that has to be there.
func acquire(t *testing.T, p *Pool) Lease {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	l, err := p.Acquire(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return l
}
