//go:build !race

package rdma_test

import (
	"testing"

	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/rdma"
	"github.com/rdmacp/rdmacp/internal/transport/sealed"
	"github.com/rdmacp/rdmacp/internal/transport/transporttest"
)

// What is encrypted obeys the same contract. With the race detector it does so on the memory
// fabric only: where AES and the detector are emulated, it would take minutes.
func TestConformanceSealed(t *testing.T) {
	a, b := twoRails(t)
	fabric := rdma.New(rdma.Config{})
	t.Cleanup(func() {
		if err := fabric.Close(); err != nil {
			t.Error(err)
		}
	})
	transporttest.Suite(t, func(t *testing.T, s transport.Setup) (transport.Lender, transport.Driver) {
		t.Helper()
		lender, driver := s, s
		lender.Device, driver.Device = a, b
		over, err := sealed.New(fabric, make([]byte, sealed.KeySize))
		if err != nil {
			t.Fatal(err)
		}
		return transporttest.Connect(t, over, lender, over, driver)
	})
}
