//go:build linux

package host

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rdmacp/rdmacp/hack/softroce/internal/spec"
)

// commandLine is the kernel's: quiet, since an emulated serial port is slow, without self-tests and mitigations, for
// the same reason, and with a panic that ends QEMU, as every reset does.
const commandLine = "console=ttyS0 quiet panic=-1 oops=panic mitigations=off audit=0 nokaslr cryptomgr.notests " +
	"random.trust_cpu=on tsc=reliable no_timer_check rcupdate.rcu_expedited=1 net.ifnames=0"

// machine is what QEMU needs to know of one node, its files included.
type machine struct {
	options *Options
	node    int
	dir     string // of this run
	image   string
	initrd  string
	disk    bool
	tscKHz  int64
}

func (m machine) file(suffix string) string {
	return filepath.Join(m.dir, spec.NodeName(m.node)+suffix)
}

func (m machine) consoleFile() string { return m.file(".console") }
func (m machine) portSocket() string  { return m.file(".port") }
func (m machine) shareDir() string    { return m.file(".share") }
func (m machine) diskFile() string    { return m.file(".disk") }
func (m machine) cutMark() string     { return filepath.Join(m.shareDir(), spec.CutMark) }

// byteByByte keeps the guest's kernel from string instructions that real CPUs are fast at, and emulation is not: zeroing
// pages was a quarter of what a guest did.
const byteByByte = ",erms=off,fsrm=off"

// args returns QEMU's arguments.
func (m machine) args() []string {
	o := m.options
	kernel, cpu := commandLine, "max,la57=off"
	if o.accel == tcg {
		kernel += fmt.Sprintf(" tsc_early_khz=%d", m.tscKHz)
		cpu += byteByByte
	}
	args := []string{
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-machine", "pc", "-accel", o.accel, "-cpu", cpu,
		"-smp", strconv.Itoa(o.cpus()), "-m", o.Memory,
		"-kernel", m.image, "-initrd", m.initrd, "-append", kernel,
		"-chardev", "file,id=console,path=" + m.consoleFile(), "-serial", "chardev:console",
		"-device", "virtio-serial-pci",
		"-chardev", "socket,id=port,path=" + m.portSocket(),
		"-device", "virtserialport,chardev=port,name=" + spec.PortName,
		"-fsdev", "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap",
		"-device", "virtio-9p-pci,fsdev=root,mount_tag=" + spec.RootTag,
		"-fsdev", "local,id=share,security_model=none,path=" + m.shareDir(),
		"-device", "virtio-9p-pci,fsdev=share,mount_tag=" + spec.ShareTag,
	}
	if m.disk {
		args = append(args, "-drive", "if=none,id=disk,format=raw,cache=unsafe,discard=unmap,file="+m.diskFile(), "-device", "virtio-blk-pci,drive=disk,bus=pci.0")
	}
	if o.NUMA {
		args = append(args, numaArgs(o.Memory, o.cpus())...)
	}
	return append(args, m.networkArgs()...)
}

// bus is the one that the NICs are at: in the order in which they are found they have their names.
func (m machine) bus() string {
	if m.options.NUMA {
		return "far"
	}
	return "pci.0"
}

// numaArgs split memory and CPUs between two NUMA nodes, and make a PCI bus of the second.
func numaArgs(memory string, cpus int) (args []string) {
	half := halved(memory)
	for node := range 2 {
		args = append(args, "-object", fmt.Sprintf("memory-backend-ram,id=node%d,size=%s", node, half),
			"-numa", fmt.Sprintf("node,nodeid=%d,memdev=node%d,cpus=%d-%d", node, node, node*cpus/2, (node+1)*cpus/2-1))
	}
	return append(args, "-device", "pxb,id=far,bus_nr=64,numa_node=1")
}

// halved is half of a size that QEMU knows: a number, and a unit.
func halved(memory string) string {
	digits := strings.TrimRight(memory, "KMGTkmgt")
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		return memory // QEMU says what is wrong with it
	}
	return strconv.FormatFloat(n*512, 'f', -1, 64) + map[string]string{"G": "M", "g": "M", "T": "G", "t": "G", "M": "K", "m": "K"}[memory[len(digits):]]
}

// networkArgs returns one NIC per rail and one for the management wire, which is the last; none for a node that is
// alone.
func (m machine) networkArgs() []string {
	if m.options.Nodes == 1 {
		return nil
	}
	var args []string
	for wire := range m.options.Rails + 1 {
		mtu := m.options.MTU
		if wire == m.options.Rails {
			mtu = 1500
		}
		args = append(args,
			"-netdev", netdevArg(m.dir, wire, m.options.Nodes),
			"-device", fmt.Sprintf("virtio-net-pci,netdev=wire%d,host_mtu=%d,mac=52:54:00:77:%02x:%02x,romfile=,bus=%s",
				wire, mtu, wire, m.node, m.bus()))
	}
	return args
}

// netdevArg joins a node to a wire: where there are two nodes, by the end of it that QEMU is started with, else to the hub.
func netdevArg(dir string, wire, nodes int) string {
	if nodes > 2 {
		return fmt.Sprintf("stream,id=wire%d,server=off,addr.type=unix,addr.path=%s", wire, hubSocket(dir, wire))
	}
	return fmt.Sprintf("dgram,id=wire%d,local.type=fd,local.str=%d", wire, firstExtraFile+wire)
}

// firstExtraFile is the descriptor that a process has the first of its ExtraFiles by.
const firstExtraFile = 3
