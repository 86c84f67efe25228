package sealed_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
	"github.com/rdmacp/rdmacp/internal/transport/sealed"
	"github.com/rdmacp/rdmacp/internal/transport/transporttest"
)

var key = bytes.Repeat([]byte{7}, sealed.KeySize)

func over(t *testing.T, f transport.Fabric, key []byte) *sealed.Fabric {
	t.Helper()
	s, err := sealed.New(f, key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func suite(t *testing.T, f memory.Faults) {
	t.Helper()
	transporttest.Suite(t, func(t *testing.T, s transport.Setup) (transport.Lender, transport.Driver) {
		t.Helper()
		fabric := over(t, memory.New(f), key)
		return transporttest.Connect(t, fabric, s, fabric, s)
	})
}

func TestConformance(t *testing.T) { suite(t, memory.Faults{}) }

// Requests that take their time and overtake each other change nothing.
func TestConformanceSlow(t *testing.T) {
	suite(t, memory.Faults{Seed: 1, Delay: time.Millisecond, Late: 0.5})
}
