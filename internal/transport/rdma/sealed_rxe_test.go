//go:build !race

package rdma_test

import (
	"testing"

	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/sealed"
)

// What is encrypted obeys the same contract. With the race detector it does so on the memory
// fabric only: where AES and the detector are emulated, it would take minutes.
func TestConformanceSealed(t *testing.T) {
	conforms(t, func(f transport.Fabric) (transport.Fabric, error) { return sealed.New(f, make([]byte, sealed.KeySize)) })
}
