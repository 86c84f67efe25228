// Package transporttest holds every implementation of package transport to its
// contract.
//
// Suite is the whole of it. An implementation's own test calls it with a
// function that makes connected pairs:
//
//	func TestConformance(t *testing.T) {
//		transporttest.Suite(t, func(t *testing.T, s transport.Setup) (transport.Lender, transport.Driver) {
//			return transporttest.Connect(t, fabric, s, fabric, s)
//		})
//	}
package transporttest

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// Maker makes the two ends of a connection for s. Device, Local and Peer are
// empty in s: the maker fills them in. The suite closes both ends.
type Maker func(t *testing.T, s transport.Setup) (transport.Lender, transport.Driver)

// Sizes of the connections that the suite makes: small, since some fabrics are
// emulated.
const (
	chunkSize = 64 << 10
	slots     = 4
	qps       = 2
)

// patience is how long the suite waits for what has to happen.
const patience = 30 * time.Second

// rule is one rule of the contract: a named test of a fresh connection.
type rule struct {
	name      string
	direction transport.Direction
	test      func(t *testing.T, p pair)
	change    func(s *transport.Setup) // nil: the connection is as usual
}

// Suite runs the conformance tests, one subtest to a rule, each on a connection
// of its own that is closed at the end and may leave no goroutine behind.
func Suite(t *testing.T, connect Maker) {
	t.Helper()
	for _, group := range [][]rule{moveRules(), slotRules(), fileRules(), ticketRules(), closeRules(), statsRules(), pageRules()} {
		for _, r := range group {
			t.Run(r.direction.String()+"/"+r.name, func(t *testing.T) { r.run(t, connect) })
		}
	}
}

func (r rule) run(t *testing.T, connect Maker) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	s := transport.Setup{Direction: r.direction, ChunkSize: chunkSize, Slots: slots, QPs: qps}
	if r.change != nil {
		r.change(&s)
	}
	lender, driver := connect(t, s)
	p := pair{lender: lender, driver: driver, direction: r.direction}
	r.test(t, p)
	p.close(t)
	goleak.VerifyNone(t, before)
}

// both makes one rule for each direction out of one test.
func both(name string, test func(t *testing.T, p pair)) []rule {
	return []rule{{name: name, direction: transport.Put, test: test}, {name: name, direction: transport.Get, test: test}}
}

// Connect makes a connected pair out of the ends that two fabrics prepare; they
// may be one and the same. It does what a session does: endpoints are exchanged
// and the driver connects first.
func Connect(t *testing.T, lf transport.Fabric, ls transport.Setup, df transport.Fabric, ds transport.Setup) (transport.Lender, transport.Driver) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	pl, err := lf.PrepareLender(ctx, ls)
	if err != nil {
		t.Fatalf("preparing the lender: %v", err)
	}
	ds.QPs = pl.Endpoint().Width() // a driver makes as many as the lender has
	pd, err := df.PrepareDriver(ctx, ds)
	if err != nil {
		t.Fatalf("preparing the driver: %v", err)
	}
	driver, err := pd.Connect(ctx, pl.Endpoint())
	if err != nil {
		t.Fatalf("connecting the driver: %v", err)
	}
	lender, err := pl.Connect(ctx, pd.Endpoint())
	if err != nil {
		t.Fatalf("connecting the lender: %v", err)
	}
	return lender, driver
}
