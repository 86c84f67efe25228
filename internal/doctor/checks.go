package doctor

import "github.com/rdmacp/rdmacp/internal/fault"

// check is one of the things that are looked at. A finding can be made of one of these only,
// so that each has a name, and a word on what is good.
type check int

const (
	checkModule check = iota
	checkNode
	checkDevices
	checkPorts
	checkGID
	checkPCI
	checkCounters
	checkFlow
	checkMemlock
	checkCgroup
	checkFiles
	checkKernel
	checkTLS
	checkDisk
	checkDaemon
	checkExports
	checkClock
	checkThere
	checkTCP
	checkPath
	checkRoute
	checkRDMAPut
	checkRDMAGet
	checkRatePut
	checkRateGet
	checkCount
)

// checks are the names of the checks, which never change, and what each is to find.
var checks = [checkCount]struct{ id, expected string }{
	checkModule:   {"module", "a driver that has an RDMA device, and ib_uverbs, by which programs use it"},
	checkNode:     {"device-node", "a file below /dev/infiniband for each device, which this user may open"},
	checkDevices:  {"devices", "a device that libibverbs has a provider for"},
	checkPorts:    {"ports", "an active port, and packets of 4096 bytes"},
	checkGID:      {"gid", "an address that other hosts find: a RoCE v2 GID that is not link-local"},
	checkPCI:      {"pci", "a PCI link that carries what the ports do"},
	checkFlow:     {"pfc-ecn", "a network that holds packets back, or marks them, ahead of dropping them"},
	checkCounters: {"counters", "less than a hundredth of the packets lost or out of order"},
	checkMemlock:  {"memlock", "as much memory may be pinned as a copy wants"},
	checkCgroup:   {"cgroup", "no limit on verbs objects, memory and threads, or a high one"},
	checkFiles:    {"files", "1024 files, or more, may be open at once"},
	checkKernel:   {"kernel", "Linux 6.2 or later"},
	checkTLS:      {"tls", "a certificate and its key that fit together, and that nobody else reads"},
	checkDisk:     {"disk", "room, writes past the page cache, and a disk that keeps up with the wire"},
	checkDaemon:   {"daemon", "an rdmad that answers, of the same release"},
	checkExports:  {"exports", "exports that this client may read, and write to where it is to"},
	checkClock:    {"clock", "clocks that differ by less than a minute"},
	checkThere:    {"there", "a daemon that has found nothing wrong with its own host"},
	checkPath:     {"path", "packets of one size at both ends"},
	checkRoute:    {"route", "packets that leave by the wire of the device, to a neighbour that answers"},
	checkTCP:      {"tcp", "64 KiB get to the daemon by TCP"},
	checkRDMAPut:  {"rdma-put", "64 KiB get to the daemon by RDMA"},
	checkRDMAGet:  {"rdma-get", "64 KiB come from the daemon by RDMA"},
	checkRatePut:  {"rate-put", "bytes get to the daemon, as fast as the link lets them"},
	checkRateGet:  {"rate-get", "bytes come from the daemon, as fast as the link lets them"},
}

// IDs are the names of all checks.
func IDs() []string {
	ids := make([]string, 0, checkCount)
	for _, c := range checks {
		ids = append(ids, c.id)
	}
	return ids
}

// String is the name.
func (c check) String() string { return checks[c].id }

// found makes a finding.
func (c check) found(s Status, observed string, f *fault.Error) Finding {
	return Finding{ID: checks[c].id, Status: s, Observed: observed, Expected: checks[c].expected, Fault: f}
}
