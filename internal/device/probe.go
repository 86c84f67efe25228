package device

import (
	"errors"
	"fmt"

	"github.com/rdmacp/rdmacp/internal/verbs"
)

// facts is what verbs says about a device.
type facts struct {
	info  verbs.DeviceInfo
	attr  verbs.DeviceAttr
	ports []verbs.PortAttr // of port 1 and up
	gids  []verbs.GIDEntry
	err   error // why the rest is missing
}

// probe opens a device and asks what there is to know.
func probe(d verbs.DeviceInfo) facts {
	f := facts{info: d}
	f.err = f.ask()
	return f
}

func (f *facts) ask() (err error) {
	vctx, err := verbs.Open(f.info.Name)
	if err != nil {
		return openProblem(f.info.Name, err)
	}
	defer func() { err = errors.Join(err, vctx.Close()) }()

	if f.attr, err = vctx.Attr(); err != nil {
		return err
	}
	for p := 1; p <= f.attr.PhysPortCount; p++ {
		port, err := vctx.Port(p)
		if err != nil {
			return fmt.Errorf("port %d: %w", p, err)
		}
		f.ports = append(f.ports, port)
	}
	f.gids, err = vctx.GIDTable()
	return err
}
