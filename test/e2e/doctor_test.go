//go:build linux

package e2e

import (
	"encoding/json"
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
	}{
		{name: "nothing", args: []string{"--dir=" + diskDir, there + "::disk"}},
		{name: "without a host"},
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
			if c.broken != nil {
				c.broken(tr.lab, t)
			}
			argv := append(append(append([]string{}, c.prefix...), tr.lab.rdmacp, "doctor", "--json"), c.args...)
			cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
			out, _ := cmd.Output()
			if code := cmd.ProcessState.ExitCode(); code != c.exit {
				t.Errorf("exit %d, want %d\n%s", code, c.exit, out)
			}
			seen := map[string]bool{}
			for text := range strings.Lines(string(out)) {
				var l struct{ Type, ID, Status, Observed, Fix string }
				if err := json.Unmarshal([]byte(text), &l); err != nil || l.Type != "check" {
					continue
				}
				want, bad := c.checks[l.ID]
				good := l.Status == "ok" || l.Status == "skip" && slices.Contains([]string{"gid", "tls", "pci", "pfc-ecn", "disk"}, l.ID) ||
					l.ID == "counters" // what is lost in emulated guests is another matter
				if good && !bad {
					continue
				}
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
	for _, dev := range []string{"eth0", "eth1"} {
		old := must(t, l.here, "cat /sys/class/net/%s/mtu", dev)
		mustLater(t, l.here, "ip link set %s mtu %s", dev, old)
		must(t, l.here, "ip link set %s mtu 1500", dev)
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

// fenceDir is a cgroup of node1's.
const fenceDir = "/sys/fs/cgroup/fence"

// fenced is a prefix with which a command runs in it.
var fenced = []string{"sh", "-c", `echo $$ >` + fenceDir + `/cgroup.procs && exec "$0" "$@"`}

// fence lets a cgroup make next to no verbs objects.
func (l *lab) fence(t *testing.T) {
	t.Helper()
	// A cgroup that goes with a limit in force leaves the kernel a list that leads nowhere,
	// and it dies when the device is removed (6.12, rdmacg_css_offline).
	mustLater(t, l.here, "echo 'rxe0 hca_handle=max hca_object=max' >%[1]s/rdma.max && rmdir %[1]s && umount /sys/fs/cgroup", fenceDir)
	must(t, l.here, `set -e
mount -t cgroup2 cgroup2 /sys/fs/cgroup
echo +rdma >/sys/fs/cgroup/cgroup.subtree_control
mkdir %s`, fenceDir)
	l.allow(t, 3)
}

// allow says how many it may make.
func (l *lab) allow(t *testing.T, objects int) {
	t.Helper()
	must(t, l.here, "echo 'rxe0 hca_handle=2 hca_object=%d' >%s/rdma.max", objects, fenceDir)
}
