package doctor_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/doctor"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/server"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
	"github.com/rdmacp/rdmacp/internal/transport/tcp"
	"github.com/rdmacp/rdmacp/internal/wire"
)

// deviceless is a fabric of a host without a device.
type deviceless struct{}

var errNone = fault.New(fault.NoDevice, "looking", errors.New("none"), "get one")

func (deviceless) PrepareLender(context.Context, transport.Setup) (transport.Pending[transport.Lender], error) {
	return nil, errNone
}

func (deviceless) PrepareDriver(context.Context, transport.Setup) (transport.Pending[transport.Driver], error) {
	return nil, errNone
}

// daemon starts a server that offers RDMA by way of the process's own memory, and TCP if byTCP,
// and returns it with what its clients dial it with.
func daemon(t *testing.T, byTCP bool, options ...func(*server.Config)) (*server.Server, client.Options) {
	t.Helper()
	lis, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	const chunk, slots = 1 << 20, 4
	rdma, data := memory.New(memory.Faults{}), tcp.New(tcp.Config{})
	c := server.Config{
		Exports: []server.Export{{Name: "data", Path: t.TempDir()}}, Fabric: transport.Fabrics{RDMA: rdma}, Version: "v1", ChunkSize: chunk, Slots: slots, MaxSessions: 8,
		Checks: func() []wire.Check {
			return []wire.Check{{ID: "ports", Status: wire.CheckOK}, {ID: "disk", Status: wire.CheckSkip}}
		},
	}
	if byTCP {
		c.Fabric = transport.Fabrics{RDMA: rdma, TCP: data}
	}
	for _, o := range options {
		o(&c)
	}
	s, err := server.New(c)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(data.Listen(lis)) }()
	t.Cleanup(func() {
		if err := errors.Join(s.Close(), <-served); err != nil {
			t.Error(err)
		}
	})
	return s, client.Options{
		Address: lis.Addr().String(), Host: "gpu7", Fabric: transport.Fabrics{RDMA: rdma, TCP: tcp.New(tcp.Config{})},
		ChunkSize: chunk, Slots: slots, ConnectTimeout: 10 * time.Second, Version: "v1",
	}
}

// look is what is found on the way to a daemon, by id; the last one of several.
func look(t *testing.T, o client.Options, at *doctor.Place) map[string]doctor.Finding {
	t.Helper()
	found := map[string]doctor.Finding{}
	doctor.Host{}.Peer(t.Context(), o, at, func(f doctor.Finding) { found[f.ID] = f })
	return found
}

// What is turned off at the daemon's end is a failure only where it is asked for.
func TestPeer(t *testing.T) {
	t.Parallel()
	nix := &doctor.Place{Name: "gpu7::nix", Target: client.Target{Export: "nix"}}
	for name, tt := range map[string]struct {
		byTCP  bool
		change func(o *client.Options)
		at     *doctor.Place
		says   map[string]string // of each check that is not ok
	}{
		"all is well": {true, func(*client.Options) {}, nil, nil},
		"TCP is off":  {false, func(*client.Options) {}, nil, map[string]string{"tcp": "skip the daemon has TCP turned off"}},
		"TCP is off and no device here": {
			false, func(o *client.Options) { o.Fabric = transport.Fabrics{RDMA: deviceless{}, TCP: tcp.New(tcp.Config{})} }, nil,
			map[string]string{
				"tcp": "skip the daemon has TCP", "rdma-put": "fail looking: none", "rdma-get": "fail looking: none",
				"rate-put": "skip there is no way", "rate-get": "skip there is no way",
			},
		},
		"TCP is off, and asked for": {
			false, func(o *client.Options) { o.Transport = transport.TCP }, nil,
			map[string]string{"tcp": "fail gpu7: choosing the transport: TCP is turned off here", "rate-put": "skip", "rate-get": "skip"},
		},
		"no device here": {
			true, func(o *client.Options) { o.Fabric = transport.Fabrics{RDMA: deviceless{}, TCP: tcp.New(tcp.Config{})} }, nil,
			map[string]string{"rdma-put": "warn looking: none; copies go by TCP", "rdma-get": "skip as rdma-put"},
		},
		"TCP is off, and no such export": {
			false, func(*client.Options) {}, nix, map[string]string{"tcp": "skip", "exports": `fail gpu7: finding export "nix"`},
		},
		"another release": {true, func(o *client.Options) { o.Version = "v2" }, nil, map[string]string{"daemon": "warn rdmad v1 answers, and this is rdmacp v2"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, o := daemon(t, tt.byTCP)
			tt.change(&o)
			found := look(t, o, tt.at)
			if !strings.HasPrefix(found["daemon"].Observed, "rdmad v1 answers") {
				t.Errorf("of the daemon it says %+v", found["daemon"])
			}
			for id, f := range found {
				text := string(f.Status) + " " + f.Observed
				if text == "skip not Linux" || text == "skip no session by RDMA" {
					continue
				}
				if want, bad := tt.says[id]; bad != (f.Status != doctor.OK) || !strings.HasPrefix(text, want) {
					t.Errorf("%s: %s, want %q", id, text, want)
				}
			}
			for id := range tt.says {
				if found[id].ID == "" {
					t.Errorf("nothing is said of %s", id)
				}
			}
		})
	}
}

// What a daemon has found of its own host is told as that, and one that tells nothing is no
// failure.
func TestPeerTellsOfItself(t *testing.T) {
	t.Parallel()
	_, o := daemon(t, true, func(c *server.Config) {
		c.Checks = func() []wire.Check {
			return []wire.Check{
				{ID: "kernel", Status: wire.CheckOK, Observed: "new"},
				{ID: "ports", Status: wire.CheckWarn, Observed: "narrow", Expected: "wide", Fix: "widen"},
				{ID: "memlock", Status: wire.CheckFail, Observed: "little", Expected: "much", Fix: "raise", Code: fault.Memlock},
			}
		}
	})
	found := look(t, o, nil)
	if f := found["ports"]; f.Host != "gpu7" || f.Status != doctor.Warn || f.Observed != "narrow" || f.Expected != "wide" || f.Fault.Fix != "widen" {
		t.Errorf("%+v", f)
	}
	if f := found["memlock"]; f.Host != "gpu7" || f.Status != doctor.Fail || f.Fault.Code != fault.Memlock || f.Fault.Fix != "raise" {
		t.Errorf("%+v", f)
	}
	if found["kernel"].ID != "" || found["there"].ID != "" {
		t.Errorf("%+v", found)
	}
	_, o = daemon(t, true, func(c *server.Config) { c.Checks = nil })
	if f := look(t, o, nil)["there"]; f.Status != doctor.Skip || !strings.Contains(f.Observed, "gpu7 tells nothing") {
		t.Errorf("%+v", f)
	}
}

// What is moved to see whether it comes through is counted as no copy.
func TestProbesAreNoTransfers(t *testing.T) {
	t.Parallel()
	s, o := daemon(t, true)
	found := look(t, o, nil)
	if found["rate-get"].Status != doctor.OK {
		t.Fatalf("%+v", found["rate-get"])
	}
	bytes := uint64(0)
	for way, total := range s.Totals() {
		if len(total.Transfers) > 0 || total.Report.Files > 0 || total.Report.Entries > 0 {
			t.Errorf("%+v: %+v", way, total)
		}
		bytes += total.Stats.Bytes
	}
	if bytes == 0 {
		t.Error("nothing was moved at all")
	}
}
