package mr

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"unsafe"

	"github.com/rdmacp/rdmacp/internal/verbs"
)

// region is a memory region: a *verbs.MR, or what stands in for one in a test.
type region interface {
	LKey() verbs.Key
	RKey() verbs.Key
	Addr() uint64
	Close() error
}

// registrar pins memory and shows it to a device.
type registrar func(mem []byte, access verbs.Access) (region, error)

// registerIn returns the registrar of a protection domain. Where the device can, a region
// gets a random address: one who forges packets has to guess it, besides a key of few bits.
func registerIn(pd *verbs.PD) registrar {
	return func(mem []byte, access verbs.Access) (region, error) {
		m, err := pd.RegMRIOVA(mem, randomIOVA(mem), access)
		if errors.Is(err, verbs.ErrNotSupported) {
			m, err = pd.RegMR(mem, access)
		}
		if err != nil {
			return nil, err // a nil *verbs.MR in a region would not be a nil region
		}
		return m, nil
	}
}

const (
	// keptBits of an address stay: a device maps memory by pages only as large as the
	// two addresses agree on, and none are larger than 1 GiB.
	keptBits = 30
	// usedBits bound a random address, far from where adding a length would overflow.
	usedBits = 62
)

// randomIOVA is an address for a region that nobody can guess.
func randomIOVA(mem []byte) uint64 {
	const kept, used = 1<<keptBits - 1, 1<<usedBits - 1
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails
	at := uint64(uintptr(unsafe.Pointer(unsafe.SliceData(mem))))
	return binary.NativeEndian.Uint64(b[:])&used&^kept | at&kept
}
