package verbs

import (
	"errors"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func newObject(t *testing.T, k kind, parents ...*object) *object {
	t.Helper()
	for _, p := range parents {
		if err := p.hold("test", k); err != nil {
			t.Fatal(err)
		}
	}
	o := new(object)
	o.born(k, parents...)

	return o
}

func succeed() error { return nil }

func TestObjectBusyUntilChildrenClose(t *testing.T) {
	ctx := newObject(t, kindContext)
	pd := newObject(t, kindPD, ctx)
	mr := newObject(t, kindMR, pd)
	qp := newObject(t, kindQP, pd)

	err := pd.close("free", succeed)
	if !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), "1 MR, 1 QP") {
		t.Fatalf("closing a busy PD gave %v", err)
	}
	if err := pd.enter("use"); err != nil {
		t.Fatalf("the refused Close closed it: %v", err)
	}
	pd.leave()
	for _, o := range []*object{qp, mr, pd, ctx, ctx, mr} {
		if err := o.close("free", succeed); err != nil {
			t.Fatalf("closing %v: %v", o.kind, err)
		}
	}
	if err := ctx.hold("alloc", kindPD); !errors.Is(err, ErrClosed) {
		t.Fatalf("a closed parent was held: %v", err)
	}
}

func TestObjectStaysOpenIfDestroyFails(t *testing.T) {
	o := newObject(t, kindCQ)
	fail := func() error { return fromReturn("free", int(syscall.EBUSY)) }
	if err := o.close("free", fail); !errors.Is(err, syscall.EBUSY) {
		t.Fatalf("got %v", err)
	}
	calls := 0
	for range 3 {
		if err := o.close("free", func() error { calls++; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if calls != 1 {
		t.Fatalf("destroyed %d times", calls)
	}
}

func TestObjectCloseWaitsForUsers(t *testing.T) {
	o := newObject(t, kindQP)
	var (
		wg    sync.WaitGroup
		freed bool
	)
	for range 8 {
		wg.Go(func() {
			for o.enter("use") == nil {
				if freed { // The race detector watches this read too.
					t.Error("used after free")
				}
				o.leave()
			}
		})
	}
	if err := o.close("free", func() error { freed = true; return nil }); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
}
