package doctor

import (
	"context"
	"fmt"
	"io/fs"
	"net/netip"
	"runtime"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/device"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/mtls"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// Host is what there is to look at on a host.
type Host struct {
	By      transport.Kind // that copies are to take; 0: RDMA, and TCP where there is no device
	Rails   func() ([]device.Rail, error)
	Limit   func() (bytes uint64, limited bool)     // what may be pinned
	Files   func() (n uint64, limited bool)         // that may be open; nil: not known
	Root    fs.FS                                   // of the host, for what the kernel shows below /proc and /sys; nil: not Linux
	Kernel  string                                  // its release, as uname says it; empty: not Linux
	Pins    uint64                                  // bytes that a copy wants to pin, at least
	TLS     *mtls.Store                             // nil: there are no certificates
	TLSErr  error                                   // why they are not good
	OwnKeys bool                                    // made for this look alone, since ssh starts the daemon
	Flow    func(netDev string) (device.PFC, error) // nil: not known
	Dirs    []string                                // that copies come to

	// NextHop is where packets to a peer leave by; nil: not Linux.
	NextHop func(ctx context.Context, peer netip.Addr) (device.Hop, error)
	// Node opens a file below /dev, closes it, and says whose it is; nil: not Linux.
	Node func(name string) (owner string, err error)
}

// Local looks at this host.
func (h Host) Local() []Finding {
	return append(append(h.rdma(), h.files(), h.kernel(), h.tls()), h.disks()...)
}

// rdma looks at what only RDMA needs.
func (h Host) rdma() []Finding {
	if h.By == transport.TCP {
		var all []Finding
		for _, c := range []check{checkModule, checkNode, checkDevices} {
			all = append(all, skip(c, "copies by TCP need none"))
		}
		return without(all)
	}
	all, rails := h.devices()
	if rails == nil {
		return without(all)
	}
	all = append(all, ports(rails)...)
	all = append(all, gids(rails)...)
	all = append(all, h.pci(rails)...)
	all = append(all, h.counters(rails)...)
	all = append(all, h.flow(rails)...)
	return append(all, h.memlock(), h.cgroup())
}

// without is what is said of RDMA where there are no devices to look at.
func without(all []Finding) []Finding {
	for _, c := range []check{checkPorts, checkGID, checkPCI, checkCounters, checkFlow, checkMemlock, checkCgroup} {
		all = append(all, skip(c, "no device"))
	}
	return all
}

// noDevices is the finding of a host whose devices verbs does not take. Elsewhere than on Linux
// there are none, and there is nothing wrong with that unless RDMA is asked for.
func (h Host) noDevices(err error) Finding {
	f := failed(checkDevices, err)
	if h.By == transport.RDMA || f.Fault.Code != fault.NoDevice || runtime.GOOS == "linux" {
		return f
	}
	f.Status = Warn
	f.Observed += "; copies go by TCP"
	return f
}

// named lists devices.
func named(rails []device.Rail) string {
	names := make([]string, 0, len(rails))
	for _, r := range rails {
		names = append(names, r.String())
	}
	return strings.Join(names, ", ")
}

// fullMTU is the payload of an RDMA packet at best, and what an Ethernet device's MTU has to
// be for it: headers take the rest (IBTA, volume 1, chapter 9).
const (
	fullMTU    = 4096
	fullNetMTU = 4200
)

// ports looks at each port: one that is good is enough, but of the others it is said why
// they are not.
func ports(rails []device.Rail) []Finding {
	var all []Finding
	good := 0
	for _, r := range rails {
		switch why := r.Idle(); {
		case why != "":
			all = append(all, warn(checkPorts, r.String()+": "+why, remedy(r)))
		case r.LinkLayer == device.Ethernet && r.ActiveMTU < fullMTU:
			good++
			all = append(all, warn(checkPorts, fmt.Sprintf("%s: packets of %d bytes, since the MTU of %s is %d", r, r.ActiveMTU, r.NetDev, r.MTU),
				fmt.Sprintf("`ip link set %s mtu 9000` (%d at least), on all hosts and switches on the way", r.NetDev, fullNetMTU)))
		default:
			good++
			all = append(all, ok(checkPorts, fmt.Sprintf("%s: active, packets of %d bytes", r, r.ActiveMTU)))
		}
	}
	if good == 0 {
		for i := range all {
			all[i].Status = Fail
			all[i].Fault = noPort(all[i])
		}
	}
	return all
}

// remedy is what is to be done about a port that cannot be used.
func remedy(r device.Rail) string {
	switch {
	case r.Problem == "":
		return "see that the cable is in and `ip link` shows its network device up; on InfiniBand, that a subnet manager runs"
	case r.State == device.StateActive:
		return "use another device (--device)"
	}
	return "do what device-node says of it, and see what the kernel says (`dmesg`)"
}

// memlock looks at how much memory may be pinned.
func (h Host) memlock() Finding {
	limit, limited := h.Limit()
	switch {
	case !limited:
		return ok(checkMemlock, "as much memory may be pinned as there is")
	case limit < h.Pins:
		return failed(checkMemlock, tooLittle(limit, h.Pins))
	}
	return ok(checkMemlock, fmt.Sprintf("%s may be pinned, a copy wants %s", humanize.IBytes(limit), humanize.IBytes(h.Pins)))
}

// kernel looks at what the kernel lets be done without copies.
func (h Host) kernel() Finding {
	var major, minor int
	if _, err := fmt.Sscanf(h.Kernel, "%d.%d", &major, &minor); err != nil {
		return skip(checkKernel, "not Linux, or a release that says nothing: "+h.Kernel)
	}
	if major < 6 || major == 6 && minor < 2 {
		return warn(checkKernel, "Linux "+h.Kernel+" does not let the page cache be read by RDMA: a CPU copies what is sent",
			"Linux 6.2 or later does; `--source direct` reads past the page cache without a copy")
	}
	return ok(checkKernel, "Linux "+h.Kernel+": files are sent out of the page cache without a copy")
}

// soonExpired is how long a certificate has to be in force yet.
const soonExpired = 30 * 24 * time.Hour

// tls looks at the certificates.
func (h Host) tls() Finding {
	switch {
	case h.OwnKeys:
		return skip(checkTLS, "ssh carries keys that are made for this alone")
	case h.TLSErr != nil:
		return failed(checkTLS, h.TLSErr)
	case h.TLS == nil:
		return skip(checkTLS, "no certificates: copies from and to daemons without TLS only")
	}
	if left := time.Until(h.TLS.Expires()); left < soonExpired {
		return warn(checkTLS, fmt.Sprintf("certificate of %s: %s", h.TLS.Self(), daysLeft(left)),
			"have another one issued, and put it where this one is: it is read without a restart (`rdmad pki issue`)")
	}
	return ok(checkTLS, "certificate of "+h.TLS.Self())
}

// daysLeft says how long that is, in words.
func daysLeft(left time.Duration) string {
	if left <= 0 {
		return "it has expired"
	}
	return console.Count(int64(left/(24*time.Hour)), "day is left", "days are left")
}
