package memory_test

import (
	"errors"
	"testing"

	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
)

// An endpoint that isn't the peer's connects to nothing, and uses the pending
// end up.
func TestConnectWrong(t *testing.T) {
	setup := transport.Setup{Direction: transport.Put, ChunkSize: 1, Slots: 1, QPs: 2}
	for name, change := range map[string]func(e *transport.Endpoint){
		"unknown number":        func(e *transport.Endpoint) { e.QPs[0].Number = 1 },
		"another first PSN":     func(e *transport.Endpoint) { e.QPs[1].PSN++ },
		"queue pairs swapped":   func(e *transport.Endpoint) { e.QPs[0], e.QPs[1] = e.QPs[1], e.QPs[0] },
		"too few":               func(e *transport.Endpoint) { e.QPs = e.QPs[:1] },
		"none":                  func(e *transport.Endpoint) { e.QPs = nil },
		"the same end as ours":  nil,
		"the peer has given up": nil,
	} {
		t.Run(name, func(t *testing.T) {
			fabric := memory.New(memory.Faults{})
			lender, err := fabric.PrepareLender(t.Context(), setup)
			if err != nil {
				t.Fatal(err)
			}
			driver, err := fabric.PrepareDriver(t.Context(), setup)
			if err != nil {
				t.Fatal(err)
			}
			peer := lender.Endpoint()
			switch name {
			case "the same end as ours":
				peer = driver.Endpoint()
			case "the peer has given up":
				err = lender.Close()
			default:
				change(&peer)
			}
			if _, connected := driver.Connect(t.Context(), peer); connected == nil || err != nil {
				t.Errorf("connected; %v", err)
			}
			if _, err := driver.Connect(t.Context(), lender.Endpoint()); !errors.Is(err, transport.ErrClosed) {
				t.Errorf("connecting again: %v", err)
			}
			if err := errors.Join(lender.Close(), driver.Close(), driver.Close()); err != nil {
				t.Error(err)
			}
		})
	}
}

// A set-up without memory makes no end.
func TestPrepareNothing(t *testing.T) {
	fabric := memory.New(memory.Faults{})
	for _, s := range []transport.Setup{{Slots: 1}, {ChunkSize: 1}, {ChunkSize: 1, Slots: 1<<16 + 1}, {ChunkSize: 1, Slots: 1, QPs: -1}} {
		if _, err := fabric.PrepareLender(t.Context(), s); err == nil {
			t.Errorf("prepared %+v", s)
		}
	}
}
