package rdma_test

import (
	"os"
	"testing"

	"github.com/rdmacp/rdmacp/internal/device"
	"github.com/rdmacp/rdmacp/internal/testenv"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/rdma"
	"github.com/rdmacp/rdmacp/internal/transport/transporttest"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

// twoRails returns the names of two rails on one wire. Without them the test is
// skipped, or fails if RDMA_TEST=required.
func twoRails(t *testing.T) (a, b string) {
	t.Helper()
	rails, err := device.Rails()
	if err == nil && len(rails) >= 2 {
		return rails[0].Device, rails[1].Device
	}
	testenv.Missing(t, "two Soft-RoCE devices on one wire, as hack/softroce/vm makes them; there are %d rails (%v)", len(rails), err)
	return "", ""
}

func TestConformance(t *testing.T) {
	conforms(t, func(f transport.Fabric) (transport.Fabric, error) { return f, nil })
}

// conforms runs the Suite on what over makes of a fabric, for each connection.
func conforms(t *testing.T, over func(transport.Fabric) (transport.Fabric, error)) {
	t.Helper()
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
		f, err := over(fabric)
		if err != nil {
			t.Fatal(err)
		}
		return transporttest.Connect(t, f, lender, f, driver)
	})
}
