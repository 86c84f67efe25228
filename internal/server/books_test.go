package server_test

import (
	"maps"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/server"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
	"github.com/rdmacp/rdmacp/internal/transport/tcp"
)

// What goes by TCP for want of RDMA is counted by the reason, of which there are few whatever
// clients say, and its bytes by no device: an address is not told.
func TestFallbacks(t *testing.T) {
	t.Parallel()
	data := tcp.New(tcp.Config{})
	d := startOn(t, data.Listen, memory.Faults{}, func(c *server.Config) { c.Fabric = data })
	for _, code := range []fault.Code{fault.Path, fault.Memlock, fault.Path, fault.Integrity, fault.Code(4711)} {
		o := d.options(transport.Put)
		o.Fabric, o.Transport, o.NoRDMA = tcp.New(tcp.Config{}), transport.TCP, fault.New(code, "trying", nil, "")
		s, err := client.Dial(t.Context(), o)
		must(t, err)
		_, err = s.Blank(t.Context(), 4*chunk)
		must(t, err)
		must(t, s.Close())
	}
	total := d.Totals()[server.Way{Transport: "tcp", Direction: "put"}]
	if want := map[string]int64{"path": 2, "memlock": 1, "other": 2}; !maps.Equal(total.Fallbacks, want) {
		t.Errorf("%v, want %v", total.Fallbacks, want)
	}
	if want := map[string]uint64{"": 5 * 4 * chunk}; !maps.Equal(total.Devices, want) {
		t.Errorf("%v, want %v", total.Devices, want)
	}
}

// Bytes are counted by the device that carried them, while a session is open and afterwards.
// What is moved to see how fast it goes is no transfer whose time counts.
func TestDevices(t *testing.T) {
	t.Parallel()
	var timed atomic.Int64
	d := start(t, memory.Faults{}, func(c *server.Config) {
		c.Took = func(w server.Way, took time.Duration) {
			if w == (server.Way{Transport: "rdma", Direction: "get"}) && took > 0 {
				timed.Add(1)
			}
		}
	})
	s := d.dial(t, transport.Get)
	_, err := s.Blank(t.Context(), 4*chunk)
	must(t, err)
	looks := func() map[string]uint64 { return d.Totals()[server.Way{Transport: "rdma", Direction: "get"}].Devices }
	want := map[string]uint64{s.Peer().Device: 4 * chunk}
	if got := looks(); !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	must(t, s.Close())
	if got := looks(); !maps.Equal(got, want) {
		t.Errorf("once it was closed: %v, want %v", got, want)
	}
	if timed.Load() != 0 {
		t.Error("memory that is moved was taken for a copy")
	}
}
