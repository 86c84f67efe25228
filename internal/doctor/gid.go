package doctor

import (
	"errors"
	"fmt"

	"github.com/rdmacp/rdmacp/internal/device"
	"github.com/rdmacp/rdmacp/internal/fault"
)

// gids looks at the addresses of each port that carries something: one that other hosts find is
// enough, but of the others it is said why they do not.
func gids(rails []device.Rail) []Finding {
	var all []Finding
	good := false
	for _, r := range rails {
		if r.Idle() != "" {
			continue
		}
		f := gid(r)
		good = good || f.Status == OK
		all = append(all, f)
	}
	if all == nil {
		return []Finding{skip(checkGID, "no port that is active")}
	}
	if !good {
		for i := range all {
			all[i].Status = Fail
			all[i].Fault = fault.New(fault.NoDevice, "looking for an address that other hosts find", errors.New(all[i].Observed), all[i].Fault.Fix)
		}
	}
	return all
}

// gid is the finding of a port.
func gid(r device.Rail) Finding {
	if why := r.Unaddressed(); why != "" {
		return warn(checkGID, r.Name()+": "+why, address(r))
	}
	c, err := device.Choose([]device.Rail{r}, device.Want{Device: r.Name()})
	if err != nil {
		return failed(checkGID, err)
	}
	g := c.GID
	said := fmt.Sprintf("%s: index %d, %v", r.Name(), g.Index, g)
	if r.LinkLayer == device.InfiniBand {
		return ok(checkGID, said+": packets find their way by LID")
	}
	said += ": the first that is not link-local"
	if !g.Addr.Is4() {
		said += ", there being none of IPv4"
	}
	return ok(checkGID, fmt.Sprintf("%s; of the %d there are, a connection takes the one that it comes by", said, len(r.GIDs)))
}

// address is what gives a port one.
func address(r device.Rail) string {
	dev := r.NetDev
	if dev == "" {
		dev = "the network device of " + r.Name()
	}
	for _, g := range r.GIDs {
		if g.Kind == device.RoCEv2 {
			return fmt.Sprintf("give %s an address, from which the kernel makes a GID: `ip address add ADDRESS/PREFIX dev %s`", dev, dev)
		}
	}
	if len(r.GIDs) > 0 && r.LinkLayer == device.Ethernet {
		return "RoCE v1 leads to no other network, and is not used: turn v2 on in the NIC's firmware or driver (mlx4_core: roce_mode=2), or use another device (--device)"
	}
	if r.LinkLayer == device.InfiniBand {
		return "see that a subnet manager runs, which gives ports their prefix"
	}
	return fmt.Sprintf("give %s an address, from which the kernel makes a GID: `ip address add ADDRESS/PREFIX dev %s`, and see that it is up", dev, dev)
}
