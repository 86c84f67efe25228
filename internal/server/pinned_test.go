package server_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/server"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
	"github.com/rdmacp/rdmacp/internal/transport/tcp"
)

// tight is a fabric on a host that may pin so many bytes.
type tight struct {
	transport.Fabric
	limit int
}

func (f tight) fits(s transport.Setup) error {
	if s.ChunkSize*s.Slots <= f.limit {
		return nil
	}
	return fault.New(fault.Memlock, "pinning", errors.New("too much"), "raise the limit")
}

// PrepareLender is the fabric's.
func (f tight) PrepareLender(ctx context.Context, s transport.Setup) (transport.Pending[transport.Lender], error) {
	if err := f.fits(s); err != nil {
		return nil, err
	}
	return f.Fabric.PrepareLender(ctx, s)
}

// PrepareDriver is the fabric's.
func (f tight) PrepareDriver(ctx context.Context, s transport.Setup) (transport.Pending[transport.Driver], error) {
	if err := f.fits(s); err != nil {
		return nil, err
	}
	return f.Fabric.PrepareDriver(ctx, s)
}

// Where little memory may be pinned, at whichever end, fewer chunks are in flight; where not even
// those may be, it is TCP, unless it was to be RDMA.
func TestLittlePinned(t *testing.T) {
	t.Parallel()
	const much = slots * chunk
	for name, tt := range map[string]struct {
		here, there int // bytes
		only        transport.Kind
		by          transport.Kind // 0: none
		refused     string         // by whom, where it is not RDMA
	}{
		"enough":                      {much, much, 0, transport.RDMA, ""},
		"half of it here":             {much / 2, much, 0, transport.RDMA, ""},
		"half of it there":            {much, much / 2, transport.RDMA, transport.RDMA, ""},
		"none here":                   {chunk, much, 0, transport.TCP, ""},
		"none there":                  {much, chunk, 0, transport.TCP, "there"},
		"none here, and it is RDMA":   {chunk, much, transport.RDMA, 0, ""},
		"none there, and it is RDMA ": {much, chunk, transport.RDMA, 0, "there"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := tcp.New(tcp.Config{})
			var wire *memory.Fabric
			d := startOn(t, data.Listen, memory.Faults{}, func(c *server.Config) {
				wire = c.Fabric.(*memory.Fabric)
				c.Fabric = transport.Fabrics{RDMA: tight{wire, tt.there}, TCP: data}
			})
			o := d.options(transport.Put)
			o.Fabric = transport.Fabrics{RDMA: tight{wire, tt.here}, TCP: tcp.New(tcp.Config{})}
			o.ChunkSize, o.LeastSlots, o.Transport = chunk, 2, tt.only
			s, err := client.Dial(t.Context(), o)
			if tt.by == 0 {
				if f := failsWith(t, err, fault.Memlock); f.Host != tt.refused {
					t.Errorf("%q refuses", f.Host)
				}
				return
			}
			must(t, err)
			p := s.Peer()
			if p.Transport != tt.by || (p.NoRDMA == nil) != (tt.by == transport.RDMA) {
				t.Fatalf("it goes by %v, since %v", p.Transport, p.NoRDMA)
			}
			if p.NoRDMA != nil && (p.NoRDMA.Code != fault.Memlock || p.NoRDMA.Host != tt.refused) {
				t.Errorf("it is not by RDMA since %v", p.NoRDMA)
			}
			_, err = put(t.Context(), t, s, noise(9*chunk), to("x"), nil)
			must(t, err)
			must(t, s.Close())
			holds(t, filepath.Join(d.dir, "x"), noise(9*chunk))
		})
	}
}
