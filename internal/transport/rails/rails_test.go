package rails_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/testenv"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
	"github.com/rdmacp/rdmacp/internal/transport/rails"
	"github.com/rdmacp/rdmacp/internal/transport/transporttest"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

// fabric makes connections over several fabrics at once.
type fabric struct {
	t      *testing.T
	over   []transport.Fabric
	mu     sync.Mutex
	lacked []error
}

func (f *fabric) rails(s transport.Setup) []rails.Rail {
	var rs []rails.Rail
	for _, one := range f.over {
		rs = append(rs, rails.Rail{Fabric: one, Setup: s})
	}
	return rs
}

func (f *fabric) dropped(_ int, why error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lacked = append(f.lacked, why)
}

func (f *fabric) PrepareLender(ctx context.Context, s transport.Setup) (transport.Pending[transport.Lender], error) {
	return rails.PrepareLender(ctx, f.rails(s), f.dropped)
}

func (f *fabric) PrepareDriver(ctx context.Context, s transport.Setup) (transport.Pending[transport.Driver], error) {
	return rails.PrepareDriver(ctx, f.rails(s), f.dropped)
}

func over(t *testing.T, faults ...memory.Faults) *fabric {
	t.Helper()
	f := &fabric{t: t}
	for _, one := range faults {
		f.over = append(f.over, memory.New(one))
	}
	return f
}

// A connection over its last rail keeps the contract of any connection. With several,
// slots are numbered by rail, and it is the rail that is lost.
func TestConformance(t *testing.T) {
	transporttest.Suite(t, func(t *testing.T, s transport.Setup) (transport.Lender, transport.Driver) {
		t.Helper()
		f := over(t, memory.Faults{Seed: 1, Delay: time.Millisecond, Late: 0.5})
		return transporttest.Connect(t, f, s, f, s)
	})
}

var setup = transport.Setup{ChunkSize: 1000, Slots: 2, QPs: 1}

// pair connects over fabrics, for a direction.
func pair(t *testing.T, f *fabric, way transport.Direction) (transport.Lender, transport.Driver) {
	t.Helper()
	s := setup
	s.Direction = way
	l, d := transporttest.Connect(t, f, s, f, s)
	t.Cleanup(func() {
		if err := errors.Join(d.Close(), l.Close()); err != nil {
			t.Error(err)
		}
	})
	return l, d
}

// Loans go to the rails in turn, and to the one that gives slots back.
func TestSpread(t *testing.T) {
	f := over(t, make([]memory.Faults, 3)...)
	l, _ := pair(t, f, transport.Put)
	var loans []transport.Loan
	lend := func() int {
		o, err := l.LendSource(t.Context(), bytes.NewReader([]byte{1}), transport.Extent{Len: 1})
		if err != nil {
			t.Fatal(err)
		}
		loans = append(loans, o)
		return int(o.Ticket().Rail)
	}
	for i, want := range []int{0, 1, 2, 0, 1, 2} {
		if got := lend(); got != want {
			t.Errorf("loan %d is on rail %d, want %d", i, got, want)
		}
	}
	loans[4].Return()
	loans[4].Return() // once is enough
	if got := lend(); got != 1 {
		t.Errorf("the loan is on rail %d, and only 1 has a slot", got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := l.LendSource(ctx, bytes.NewReader([]byte{1}), transport.Extent{Len: 1}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a slot too many: %v", err)
	}
}

// A rail that fails is told of by its loans, and the others go on; with the last, the
// connection is lost.
func TestLoss(t *testing.T) {
	for _, way := range []transport.Direction{transport.Put, transport.Get} {
		t.Run(way.String(), func(t *testing.T) {
			f := over(t, memory.Faults{CutAt: 2}, memory.Faults{CutAt: 4})
			l, d := pair(t, f, way)
			moved, lost := 0, 0
			var last error
			for last == nil {
				switch err := move(t, l, d, way); {
				case err == nil:
					moved++
				case errors.Is(err, transport.ErrRail):
					lost++
				default:
					last = err
				}
			}
			// Each rail moved one less than the request at which it was cut.
			if moved != 1+3 || lost != 1 || !errors.Is(last, transport.ErrLost) {
				t.Errorf("%d moved, %d told of a rail, at last %v", moved, lost, last)
			}
			if _, err := lend(t.Context(), l, way); !errors.Is(err, transport.ErrLost) {
				t.Errorf("lending on: %v", err)
			}
		})
	}
}

// Another rail in the place of one that was lost carries as that did. It closes that one,
// each is replaced once, and none comes after the last is gone.
func TestReplace(t *testing.T) {
	for _, way := range []transport.Direction{transport.Put, transport.Get} {
		t.Run(way.String(), func(t *testing.T) {
			f := over(t, memory.Faults{}, memory.Faults{CutAt: 1})
			l, d := pair(t, f, way)
			lr, dr := l.(rails.Replacer[transport.Lender]), d.(rails.Replacer[transport.Driver])
			more := func(faults memory.Faults) (transport.Lender, transport.Driver) {
				s := setup
				s.Direction = way
				one := memory.New(faults)
				return transporttest.Connect(t, one, s, one, s)
			}
			refused := func(lost int) {
				t.Helper()
				nl, nd := more(memory.Faults{})
				if err := dr.Replace(lost, nd); !errors.Is(err, rails.ErrNoRoom) {
					t.Errorf("rail %d, at the driver: %v", lost, err)
				}
				if err := lr.Replace(lost, nl); !errors.Is(err, rails.ErrNoRoom) {
					t.Errorf("rail %d, at the lender: %v", lost, err)
				}
				if err := errors.Join(nd.Close(), nl.Close()); err != nil {
					t.Error(err)
				}
			}
			var lost error
			for lost == nil {
				lost = move(t, l, d, way)
			}
			if !errors.Is(lost, transport.ErrRail) {
				t.Fatal(lost)
			}
			// Rail 2 does not come about at the lender's end, rail 3 does.
			_, nd := more(memory.Faults{})
			if err := errors.Join(dr.Replace(1, nd), lr.Replace(1, nil)); err != nil {
				t.Fatal(err)
			}
			nl, nd := more(memory.Faults{})
			if err := errors.Join(dr.Replace(2, nd), lr.Replace(2, nl)); err != nil {
				t.Fatal(err)
			}
			refused(1)
			refused(9)
			for range 20 {
				if err := move(t, l, d, way); err != nil {
					t.Error(err)
				}
			}
			if nl.Stats().Bytes == 0 && nd.Stats().Bytes == 0 {
				t.Error("nothing went over the rail that came")
			}
			// A rail that still works is closed when it is replaced.
			nl, nd = more(memory.Faults{})
			if err := errors.Join(dr.Replace(0, nd), lr.Replace(0, nl)); err != nil {
				t.Fatal(err)
			}
			for range 20 {
				if err := move(t, l, d, way); err != nil {
					t.Error(err)
				}
			}
			for lost := range 5 { // the last ones go
				_, _ = dr.Replace(lost, nil), lr.Replace(lost, nil)
			}
			refused(3)
		})
	}
}

func lend(ctx context.Context, l transport.Lender, way transport.Direction) (transport.Loan, error) {
	ext := transport.Extent{Len: 10}
	if way == transport.Get {
		return l.LendSink(ctx, discard{}, ext)
	}
	return l.LendSource(ctx, bytes.NewReader(make([]byte, 10)), ext)
}

type discard struct{}

func (discard) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }

// move moves an extent as the engine does, and says what it would.
func move(t *testing.T, l transport.Lender, d transport.Driver, way transport.Direction) error {
	t.Helper()
	o, err := lend(t.Context(), l, way)
	if err != nil {
		return err
	}
	ext := transport.Extent{Len: 10}
	if way == transport.Get {
		_, err = d.Push(t.Context(), io.ReaderAt(bytes.NewReader(make([]byte, 10))), ext, o.Ticket())
	} else {
		_, err = d.Pull(t.Context(), o.Ticket(), discard{}, ext)
	}
	if errors.Is(err, transport.ErrRail) || errors.Is(err, transport.ErrLost) {
		o.Lost()
		if _, settled := o.Settle(t.Context()); way == transport.Get && settled == nil {
			t.Error("what was lost has arrived")
		}
		return err
	}
	if err == nil {
		_, err = o.Settle(t.Context())
	}
	o.Return()
	return err
}

// A rail that cannot be made, or that one end has not, is left out.
func TestDropped(t *testing.T) {
	ok := memory.New(memory.Faults{})
	broken := failing{errors.New("no such device")}
	lf, df := &fabric{over: []transport.Fabric{ok, ok, broken}}, &fabric{over: []transport.Fabric{ok, broken, ok}}
	s := setup
	s.Direction = transport.Put
	l, d := transporttest.Connect(t, lf, s, df, s)
	defer func() { _, _ = d.Close(), l.Close() }()
	if len(lf.lacked) != 2 || len(df.lacked) != 2 {
		t.Errorf("the lender lacks %v, the driver %v", lf.lacked, df.lacked)
	}
	for range 5 {
		if err := move(t, l, d, transport.Put); err != nil {
			t.Error(err)
		}
	}
	first := &fabric{over: []transport.Fabric{broken, ok}}
	if _, err := first.PrepareLender(t.Context(), s); !errors.Is(err, broken.err) {
		t.Errorf("without the first rail: %v", err)
	}
	if _, err := d.Pull(t.Context(), transport.Ticket{Rail: 7, Len: 1}, discard{}, transport.Extent{Len: 1}); !errors.Is(err, transport.ErrLost) {
		t.Errorf("a rail that there is not: %v", err)
	}
}

// failing is a fabric without devices.
type failing struct{ err error }

func (f failing) PrepareLender(context.Context, transport.Setup) (transport.Pending[transport.Lender], error) {
	return nil, f.err
}

func (f failing) PrepareDriver(context.Context, transport.Setup) (transport.Pending[transport.Driver], error) {
	return nil, f.err
}
