//go:build linux

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestDoctor breaks one thing at a time, and reads what `rdmacp doctor` says of it.
func TestDoctor(t *testing.T) {
	tr := newTrial(t)
	for _, c := range []struct {
		name   string
		broken func(l *lab, t *testing.T)
		prefix []string // of the command
		args   []string
		exit   int
		checks map[string]string // of each that is not ok, what is said

		deviceless bool // and so next to all that RDMA needs is skipped
		slow       bool // left to make faults
		bad        bool // a wire so bad that more may fail, with another exit code
	}{
		{name: "nothing", args: []string{"--dir=" + diskDir, there + "::disk"}},
		{name: "without a host"},
		{
			name: "module missing", broken: (*lab).unload, args: []string{"--transport=rdma"}, exit: 5, deviceless: true,
			checks: map[string]string{"module": "hack/softroce/up"},
		},
		{
			name: "device node without access", broken: (*lab).lock, exit: 5, deviceless: true,
			prefix: []string{"env", "HOME=" + topDir, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"},
			checks: map[string]string{"device-node": "mode 0600): permission denied"},
		},
		{
			name: "link-local addresses only", broken: (*lab).forget, exit: 5,
			checks: map[string]string{"gid": "give eth0 an address"},
		},
		{
			name: "an export that is not for me", broken: (*lab).guard, args: append(proveAs("reader"), "--tls-ca="+pkiDir+"/ca.crt", there+"::vault"), exit: 3, slow: true,
			checks: map[string]string{"exports": "it is reader"},
		},
		{
			name: "wrong CA", broken: (*lab).guard, args: append(proveAs("reader"), "--tls-ca="+pkiDir+"/other.crt", there), exit: 5, slow: true,
			checks: map[string]string{"daemon": "a CA that this host does not trust"},
		},
		{
			name: "MTU 1500 at the other host", broken: (*lab).narrowThere, args: []string{there}, slow: true, bad: true,
			checks: map[string]string{"path": "both ends keep to the 1024 of rxe0/1 on " + there},
		},
		{
			name: "every fifth packet lost", broken: (*lab).lose, args: []string{there}, slow: true, bad: true,
			checks: map[string]string{"counters": "look for what drops packets"},
		},
		{
			name: "UDP 4791 dropped", broken: (*lab).wall, args: []string{there}, exit: 5,
			checks: map[string]string{"rdma-put": "4791", "rdma-get": "4791"},
		},
		{
			name: "MTU 1500", broken: (*lab).narrow,
			checks: map[string]string{"ports": "mtu 9000"},
		},
		{
			name: "port down", broken: (*lab).down, exit: 5,
			checks: map[string]string{"ports": "DOWN"},
		},
		{
			name: "64 KiB to pin", args: []string{}, exit: 22,
			prefix: []string{"setpriv", "--bounding-set=-ipc_lock", "--inh-caps=-ipc_lock", "prlimit", "--memlock=65536"},
			checks: map[string]string{"memlock": "ulimit -l unlimited"},
		},
		{
			name: "64 files", prefix: []string{"prlimit", "--nofile=64:64"},
			checks: map[string]string{"files": "ulimit -n"},
		},
		{
			name: "no room", args: []string{"--dir=" + smallDir, there + "::small"},
			checks: map[string]string{"disk": "make room there"},
		},
		{
			name: "a disk that is read-only", broken: (*lab).freeze, args: []string{"--dir=" + smallDir},
			checks: map[string]string{"disk": "it is read-only"},
		},
		{
			name: "a clock that is ahead", broken: (*lab).hurry, args: []string{there},
			checks: map[string]string{"clock": "behind this host's"},
		},
		{
			name: "a cgroup with 3 objects", broken: (*lab).fence,
			prefix: fenced,
			checks: map[string]string{"cgroup": "rdma.max"},
		},
		{
			name: "no daemon", args: []string{"--port=7999", there}, exit: 10,
			checks: map[string]string{"daemon": "start rdmad on the host"},
		},
		{
			name: "no such host", args: []string{"nosuchhost"}, exit: 10,
			checks: map[string]string{"daemon": "cannot be resolved"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.slow {
				needsTime(t)
			}
			if c.broken != nil {
				c.broken(tr.lab, t)
			}
			argv := append(append(append([]string{}, c.prefix...), tr.lab.rdmacp, "doctor", "--json"), c.args...)
			cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
			out, _ := cmd.Output()
			if code := cmd.ProcessState.ExitCode(); code != c.exit && !c.bad {
				t.Errorf("exit %d, want %d\n%s", code, c.exit, out)
			}
			seen := map[string]bool{}
			for text := range strings.Lines(string(out)) {
				var l struct{ Type, ID, Host, Status, Observed, Fix string }
				if err := json.Unmarshal([]byte(text), &l); err != nil || l.Type != "check" {
					continue
				}
				want, bad := c.checks[l.ID]
				good := l.Status == "ok" || l.Status == "skip" && (c.deviceless || slices.Contains([]string{"gid", "tls", "pci", "pfc-ecn", "disk"}, l.ID)) ||
					l.ID == "kernel" && l.Status == "warn" && !pinsPages(t) ||
					l.ID == "counters" || // what is lost in emulated guests is another matter
					l.Host != "" // what the daemon has seen up to a minute ago
				if !good && (bad || c.bad) || bad && l.Status == "warn" {
					diagnosed(c.name, l.ID, l.Status, l.Observed, l.Fix)
				}
				if good && !bad || !bad && c.bad {
					continue
				}
				good = good && (!bad || l.Status != "warn")
				seen[l.ID] = seen[l.ID] || !good && bad && strings.Contains(l.Observed+l.Fix, want)
				if !bad {
					t.Errorf("%s", text)
				}
			}
			for id := range c.checks {
				if !seen[id] {
					t.Errorf("%s does not say %q\n%s", id, c.checks[id], out)
				}
			}
		})
	}
}

// unload takes the driver from node1, and the devices with it.
func (l *lab) unload(t *testing.T) {
	t.Helper()
	mustLater(t, l.here, "modprobe rdma_rxe; for i in 0 1; do rdma link add rxe$i type rxe netdev eth$i; done")
	must(t, l.here, "rdma link del rxe0; rdma link del rxe1; modprobe -r rdma_rxe")
}

// lock lets root alone open the devices of node1.
func (l *lab) lock(t *testing.T) {
	t.Helper()
	mustLater(t, l.here, "chmod 0666 /dev/infiniband/uverbs*")
	must(t, l.here, "chmod 0600 /dev/infiniband/uverbs*")
}

// forget takes the addresses from both networks of node1, but for those that every link has.
func (l *lab) forget(t *testing.T) {
	t.Helper()
	for _, dev := range []string{"eth0", "eth1"} {
		for address := range strings.FieldsSeq(must(t, l.here, "ip -o address show dev %s scope global | awk '{print $4}'", dev)) {
			nodad := ""
			if strings.Contains(address, ":") {
				nodad = "nodad"
			}
			mustLater(t, l.here, "ip address add %s dev %s %s", address, dev, nodad)
		}
		must(t, l.here, "ip address flush dev %s scope global", dev)
	}
}

// narrowThere gives both networks of node2 the MTU of the Internet.
func (l *lab) narrowThere(t *testing.T) {
	t.Helper()
	narrow(t, l.there)
}

// lose has both hosts drop every fifth packet.
func (l *lab) lose(t *testing.T) {
	t.Helper()
	for _, n := range l.nodes() {
		for _, dev := range []string{"eth0", "eth1"} {
			mustLater(t, n, "tc qdisc replace dev %s root pfifo limit 100000", dev)
			must(t, n, "tc qdisc replace dev %s root netem loss 20%% limit 100000", dev)
		}
	}
}

// guard starts a daemon that wants certificates, and has an export that is not for everybody,
// beside another CA that has nothing to do with it.
func (l *lab) guard(t *testing.T) {
	t.Helper()
	l.certificates(t)
	must(t, l.here, "test -e %[2]s/other.crt || { %[1]s pki --dir %[2]s/other init >/dev/null && cp %[2]s/other/ca.crt %[2]s/other.crt; }", l.rdmad, pkiDir)
	must(t, l.there, "printf '[export.vault]\npath = \"%s\"\nread = [\"alice\"]\n' >>%s/rdmad.toml", diskDir, pkiDir)
	d, err := l.startDaemon(nil, "--listen", "0.0.0.0:7473", "--config", pkiDir+"/rdmad.toml",
		"--tls-cert", pkiDir+"/daemon.crt", "--tls-key", pkiDir+"/daemon.key", "--tls-ca", pkiDir+"/ca.crt")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if code, err := d.stop(); err != nil || code != 0 {
			t.Errorf("the daemon ended with %d, %v\n%s", code, err, d.log.String())
		}
		must(t, l.there, "rm -rf %s", pkiDir)
	})
}

// diagnoses are what doctor has said of what was broken, for the end of the run.
var diagnoses []string

// diagnosed notes one of them as a row of a table.
func diagnosed(broken string, said ...string) {
	row := broken
	for _, s := range said {
		row += " | " + strings.ReplaceAll(s, "|", "\\|")
	}
	if !slices.Contains(diagnoses, row) {
		diagnoses = append(diagnoses, row)
	}
}

// printDiagnoses writes them for hack/faults.
func printDiagnoses(w io.Writer) {
	for _, row := range diagnoses {
		_, _ = fmt.Fprintln(w, "doctor: "+row)
	}
}

// freeze lets nothing be written to a file system of node1's.
func (l *lab) freeze(t *testing.T) {
	t.Helper()
	mustLater(t, l.here, "mount -o remount,rw %s", smallDir)
	must(t, l.here, "mount -o remount,ro %s", smallDir)
}

// hurry puts node1's clock an hour ahead.
func (l *lab) hurry(t *testing.T) {
	t.Helper()
	mustLater(t, l.here, "date -s @$(($(date +%%s) - 3600))")
	must(t, l.here, "date -s @$(($(date +%%s) + 3600))")
}

// narrow gives both networks of node1 the MTU of the Internet.
func (l *lab) narrow(t *testing.T) {
	t.Helper()
	narrow(t, l.here)
}

// narrow gives both networks of a node the MTU of the Internet.
func narrow(t *testing.T, n *node) {
	t.Helper()
	for _, dev := range []string{"eth0", "eth1"} {
		old := must(t, n, "cat /sys/class/net/%s/mtu", dev)
		mustLater(t, n, "ip link set %s mtu %s", dev, old)
		must(t, n, "ip link set %s mtu 1500", dev)
	}
}

// down takes both networks from node1.
func (l *lab) down(t *testing.T) {
	t.Helper()
	for dev, address := range map[string]string{"eth0": "fd77::1/64", "eth1": "fd77:1::1/64"} {
		mustLater(t, l.here, "ip link set %[1]s up; ip -6 address replace %[2]s dev %[1]s nodad; sleep 2", dev, address)
		must(t, l.here, "ip link set %s down", dev)
	}
}

// fenceDir is a cgroup of a node's.
const fenceDir = "/sys/fs/cgroup/fence"

// fenced is a prefix with which a command runs in it.
var fenced = []string{"sh", "-c", `echo $$ >` + fenceDir + `/cgroup.procs && exec "$0" "$@"`}

// fence lets a cgroup of node1's make next to no verbs objects.
func (l *lab) fence(t *testing.T) {
	t.Helper()
	l.here.fence(t)
}

// fence makes that cgroup.
func (n *node) fence(t *testing.T) {
	t.Helper()
	// A cgroup that goes with a limit in force leaves the kernel a list that leads nowhere,
	// and it dies when the device is removed (6.12, rdmacg_css_offline).
	mustLater(t, n, "echo 'rxe0 hca_handle=max hca_object=max' >%[1]s/rdma.max && rmdir %[1]s && umount /sys/fs/cgroup", fenceDir)
	must(t, n, `set -e
mount -t cgroup2 cgroup2 /sys/fs/cgroup
echo +rdma >/sys/fs/cgroup/cgroup.subtree_control
mkdir %s`, fenceDir)
	n.allow(t, 3)
}

// allow says how many it may make.
func (n *node) allow(t *testing.T, objects int) {
	t.Helper()
	must(t, n, "echo 'rxe0 hca_handle=2 hca_object=%d' >%s/rdma.max", objects, fenceDir)
}
