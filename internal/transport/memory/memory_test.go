package memory_test

import (
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
	"github.com/rdmacp/rdmacp/internal/transport/transporttest"
)

func suite(t *testing.T, f memory.Faults) {
	t.Helper()
	transporttest.Suite(t, func(t *testing.T, s transport.Setup) (transport.Lender, transport.Driver) {
		t.Helper()
		fabric := memory.New(f)
		return transporttest.Connect(t, fabric, s, fabric, s)
	})
}

func TestConformance(t *testing.T) { suite(t, memory.Faults{}) }

// Requests that take their time and overtake each other change nothing.
func TestConformanceSlow(t *testing.T) {
	suite(t, memory.Faults{Seed: 1, Delay: time.Millisecond, Late: 0.5})
}
