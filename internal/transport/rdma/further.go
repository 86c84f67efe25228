package rdma

import (
	"context"

	"github.com/rdmacp/rdmacp/internal/device"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// Further returns setups for rails beside the one that s chooses: those of other network
// devices of this host that have an address of the peer's family. Whether they lead to the
// peer, connecting will tell. A device that is named is meant alone. InfiniBand ports are
// left out: nothing here tells which of them reach which.
func (f *Fabric) Further(ctx context.Context, s transport.Setup) []transport.Setup {
	if s.Device != "" {
		return nil
	}
	first, err := f.choose(ctx, s)
	if err != nil {
		return nil // preparing the first says why
	}
	rails, err := f.seen.rails()
	if err != nil {
		return nil
	}
	var more []transport.Setup
	for _, r := range rails {
		if r.Unusable() != "" || r.LinkLayer != device.Ethernet || r.NetDev == "" || r.NetDev == first.GID.NetDev || r.NetDev == first.Rail.NetDev {
			continue
		}
		choice, err := device.Choose([]device.Rail{r}, device.Want{Device: r.Name(), Peer: s.Peer})
		if err != nil || choice.GID.IsLinkLocal() || choice.GID.Addr.Is4() != first.GID.Addr.Is4() {
			continue
		}
		another := s
		another.Device = r.Name()
		another.Local = choice.GID.Addr
		more = append(more, another)
	}
	return more
}
