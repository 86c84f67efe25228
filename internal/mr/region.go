package mr

import "github.com/rdmacp/rdmacp/internal/verbs"

// region is a memory region: a *verbs.MR, or what stands in for one in a test.
type region interface {
	LKey() verbs.Key
	RKey() verbs.Key
	Addr() uint64
	Close() error
}

// registrar pins memory and shows it to a device.
type registrar func(mem []byte, access verbs.Access) (region, error)

// registerIn returns the registrar of a protection domain.
func registerIn(pd *verbs.PD) registrar {
	return func(mem []byte, access verbs.Access) (region, error) {
		m, err := pd.RegMR(mem, access)
		if err != nil {
			return nil, err // a nil *verbs.MR in a region would not be a nil region
		}
		return m, nil
	}
}
