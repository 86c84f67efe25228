package doctor

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/rdmacp/rdmacp/internal/device"
)

// pciAddress is the name of a PCI function: domain, bus, device, function.
var pciAddress = regexp.MustCompile(`^[0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$`)

// fastPort is from which rate on, in Gb/s, what an IOMMU looks up for each page is felt.
const fastPort = 100

// pci looks at what lies between each device and the memory.
func (h Host) pci(rails []device.Rail) []Finding {
	if h.Root == nil {
		return []Finding{skip(checkPCI, "not Linux")}
	}
	var all []Finding
	for i, r := range rails {
		if i > 0 && rails[i-1].Device == r.Device { // they are sorted
			continue
		}
		speed := 0.0
		for _, other := range rails[i:] {
			if other.Device == r.Device && other.Unusable() == "" {
				speed += other.SpeedGbps
			}
		}
		way := h.functions(r.Device)
		if len(way) == 0 {
			all = append(all, skip(checkPCI, r.Device+": there is no PCI device behind it"))
			continue
		}
		all = append(all, h.function(r, way, speed))
	}
	return all
}

// function is the finding of a device whose ports have that rate together.
func (h Host) function(r device.Rail, way []string, speed float64) Finding {
	said := fmt.Sprintf("%s at %s", r.Device, path.Base(way[0]))
	link, gbps, narrow := h.link(way[0])
	iommu := h.read(path.Join(way[0], "iommu_group/type"))
	if r.NUMANode >= 0 {
		said += fmt.Sprintf(", NUMA node %d", r.NUMANode)
		if cpus := h.read(fmt.Sprintf("sys/devices/system/node/node%d/cpulist", r.NUMANode)); cpus != "" {
			said += " (CPUs " + cpus + ")"
		}
	}
	if iommu != "" {
		said += ", IOMMU " + iommu
	}
	if link != "" {
		said += ", " + link
	}
	said += h.redirected(way[1:])
	switch {
	case narrow && gbps < speed:
		return warn(checkPCI, fmt.Sprintf("%s: %.0f Gb/s at most, and its ports have %.0f", said, gbps, speed),
			"put the card into a slot that has all its lanes, see that it is seated well, and look for limits on lanes and speed in the firmware's settings")
	case strings.HasPrefix(iommu, "DMA") && speed >= fastPort:
		return warn(checkPCI, said+": the IOMMU looks up each page that the card reads or writes, and a card this fast may have to wait for it",
			"`iommu=pt` on the kernel's command line, where no untrusted device is attached; measure by `rdmacp bench` whether it matters")
	}
	return ok(checkPCI, said)
}

// functions are the directories of a device's PCI function and of the bridges above it, the
// nearest first; none for a device of software.
func (h Host) functions(name string) []string {
	const class = "sys/class/infiniband"
	to, err := fs.ReadLink(h.Root, path.Join(class, name))
	if err != nil {
		return nil
	}
	var way []string
	for dir := path.Join(class, to); dir != "." && dir != "/"; dir = path.Dir(dir) {
		if pciAddress.MatchString(path.Base(dir)) {
			way = append(way, dir)
		}
	}
	return way
}

// link says how the function is linked, what that can carry, and whether it could be linked
// better. A virtual function does not tell.
func (h Host) link(dir string) (said string, gbps float64, narrow bool) {
	speed, lanes := h.lanes(dir, "current")
	most, all := h.lanes(dir, "max")
	if speed == 0 || lanes == 0 {
		return "", 0, false
	}
	said = fmt.Sprintf("x%d at %g GT/s", lanes, speed)
	if narrow = carries(speed, lanes) < carries(most, all); narrow {
		said += fmt.Sprintf(" of x%d at %g", all, most)
	}
	return said, carries(speed, lanes), narrow
}

// lanes reads one of the function's links; 0 if it does not say.
func (h Host) lanes(dir, which string) (speed float64, lanes int) {
	if _, err := fmt.Sscanf(h.read(path.Join(dir, which+"_link_speed")), "%f GT/s", &speed); err != nil {
		return 0, 0
	}
	lanes, err := strconv.Atoi(h.read(path.Join(dir, which+"_link_width")))
	if err != nil {
		return 0, 0
	}
	return speed, lanes
}

// carries is what a link can carry in Gb/s, ahead of the packets' own headers: 8 of 10 bits
// in the first two generations, 128 of 130 in later ones.
func carries(speed float64, lanes int) float64 {
	share := 128.0 / 130
	if speed <= 5 {
		share = 0.8
	}
	return speed * float64(lanes) * share
}

// Access control services in a bridge's configuration space (PCI Express, 7.7.11).
const (
	extended    = 0x100 // where the extended capabilities begin
	acsID       = 0x000d
	acsControl  = 6
	acsRedirect = 0x1c // requests, completions, and what goes upstream
)

// redirected says which bridges send what goes from card to card by way of the processor.
// Copies go from card to memory and lose nothing by it, but those of others, from GPUs, do.
func (h Host) redirected(bridges []string) string {
	var on []string
	for _, dir := range bridges {
		b, err := fs.ReadFile(h.Root, path.Join(dir, "config"))
		if err != nil || len(b) <= extended {
			return "" // only root gets to see as much
		}
		if control, ok := acs(b); ok && control&acsRedirect != 0 {
			on = append(on, path.Base(dir))
		}
	}
	if on == nil {
		return ""
	}
	return ", ACS redirects at " + strings.Join(on, ", ") + " (which slows GPUDirect, and no file)"
}

// acs finds the control register of the capability.
func acs(config []byte) (control uint16, ok bool) {
	at := extended
	for range len(config) / 4 { // a list that leads in a circle has an end
		if at < extended || at+8 > len(config) {
			return 0, false
		}
		head := binary.LittleEndian.Uint32(config[at:])
		if head&0xffff == acsID {
			return binary.LittleEndian.Uint16(config[at+acsControl:]), true
		}
		at = int(head >> 20)
	}
	return 0, false
}

// read is a file of one line; empty if it is not there.
func (h Host) read(name string) string {
	b, err := fs.ReadFile(h.Root, name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
