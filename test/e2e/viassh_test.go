//go:build linux

package e2e

import (
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// sshDir is where sshd's and ssh's files are, on either host.
const sshDir = topDir + "/ssh"

// TestViaSSH copies with no daemon set up: ssh, a real one, starts it for the copy, which
// goes by RDMA, and it is gone afterwards; if it is killed, another one is started.
func TestViaSSH(t *testing.T) {
	tr := newTrial(t)
	l := tr.lab
	l.openSSH(t)
	flags := []string{"--via-ssh", "--rsh=ssh -F " + sshDir + "/config", "--rdmad-path=" + l.rdmad, "--transport=rdma"}
	t.Run("put", func(t *testing.T) {
		sub := tr.within(t)
		src := random(t, l.here, dataDir+"/login", 3_000_001)
		before := packets(t, l.there)
		r := sub.copy(sub.across(src, src.path+".ssh"), flags...)
		r.copied(t)
		if n := packets(t, l.there) - before; n < 3_000_001/4096 {
			t.Errorf("the device has received %d packets: it was not RDMA", n)
		}
		if s := r.summary(t); s.Transport != "rdma" {
			t.Errorf("the summary says %+v", s)
		}
		l.nobodyLeft(t)
	})
	// Names are those of ssh's configuration, too.
	t.Run("get from home", func(t *testing.T) {
		must(t, l.there, "cp %s/host.pub %s/at-home", sshDir, sshDir)
		run := tr.within(t).rdmacp(nil, nil, append(flags, "gpu:at-home", topDir+"/at-home")...)
		run.wait().copied(t)
		if got, want := must(t, l.here, "cat %s/at-home", topDir), must(t, l.there, "cat %s/host.pub", sshDir); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	})
	t.Run("doctor", func(t *testing.T) {
		out, err := exec.CommandContext(t.Context(), l.rdmacp, append([]string{"doctor", "--json"}, append(flags, "gpu:at-home-not")...)...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "at-home-not") {
			t.Errorf("of a directory that is not there it says %v\n%s", err, out)
		}
		before := packets(t, l.there)
		out, err = exec.CommandContext(t.Context(), l.rdmacp, append([]string{"doctor", "--json"}, append(flags, "gpu")...)...).CombinedOutput()
		if err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		for _, id := range []string{"daemon", "rdma-put", "rdma-get", "rate-put", "rate-get"} {
			if !regexp.MustCompile(`"id":"` + id + `","status":"ok"`).Match(out) {
				t.Errorf("%s is not ok:\n%s", id, out)
			}
		}
		if packets(t, l.there) == before {
			t.Error("nothing went by RDMA")
		}
		l.nobodyLeft(t)
	})
	t.Run("killed", func(t *testing.T) {
		sub := tr.within(t)
		src := random(t, l.here, dataDir+"/login", 10<<20)
		run := sub.start(sub.across(src, src.path+".killed"), append(flags, "--retry-for=60s", "--bwlimit=2M")...)
		run.moved(0.4)
		must(t, l.there, "pkill -KILL -f 'rdmad one-sho[t]'")
		r := run.wait()
		r.copied(t)
		if s := r.summary(t); s.Earlier.Connections < 1 || s.Resumed < 1<<20 || s.Resumed+s.Bytes != 10<<20 {
			t.Errorf("the summary says %+v", s)
		}
		l.nobodyLeft(t)
	})
	t.Run("nobody logs in", func(t *testing.T) {
		sub := tr.within(t)
		src := random(t, l.here, dataDir+"/login", 1000)
		r := sub.copy(sub.across(src, src.path+".not"), append(flags, "--rsh=ssh -F /dev/null -p 2222 -o BatchMode=yes -o IdentityFile=none -o UserKnownHostsFile="+sshDir+"/known")...)
		if r.exit != 10 || r.code != "unreachable" || !strings.Contains(r.stderr, "Permission denied") || !strings.Contains(r.stderr, "ssh did not log in there") {
			t.Errorf("exit %d (%s)\n%s", r.exit, r.code, r.stderr)
		}
	})
}

// packets is how many packets the first device of a node has received.
func packets(t *testing.T, n *node) int {
	t.Helper()
	count, err := strconv.Atoi(strings.TrimSpace(must(t, n, "cat /sys/class/infiniband/rxe0/ports/1/hw_counters/rcvd_pkts")))
	if err != nil {
		t.Fatal(err)
	}
	return count
}

// nobodyLeft checks that the daemon that ssh has started is gone.
func (l *lab) nobodyLeft(t *testing.T) {
	t.Helper()
	if !eventually(10*time.Second, func() bool {
		out, err := l.there.sh("pgrep -f 'rdmad one-sho[t]' || true")
		return err == nil && strings.TrimSpace(out) == ""
	}) {
		t.Error("the daemon that ssh has started is still there")
	}
}

// openSSH starts an OpenSSH server on node2, to which root on node1 has a key. Root gets
// another home there, without the files that this machine's shells begin with.
func (l *lab) openSSH(t *testing.T) {
	t.Helper()
	public := must(t, l.here, `set -e
rm -rf %[1]s; mkdir -p -m 700 %[1]s
ssh-keygen -q -t ed25519 -N '' -f %[1]s/key
cat >%[1]s/config <<'END'
Host gpu
	HostName %[2]s
Host *
	User root
	Port 2222
	IdentityFile %[1]s/key
	UserKnownHostsFile %[1]s/known
	StrictHostKeyChecking accept-new
	BatchMode yes
	LogLevel ERROR
END
cat %[1]s/key.pub`, sshDir, there)
	must(t, l.there, `set -e
rm -rf %[1]s; mkdir -p -m 700 %[1]s /run/sshd
sed 's|^root:.*|root:*:0:0:root:%[1]s:/bin/sh|' /etc/passwd >%[1]s/passwd
mount --bind %[1]s/passwd /etc/passwd
ssh-keygen -q -t ed25519 -N '' -f %[1]s/host
echo '%[2]s' >%[1]s/authorized
cat >%[1]s/sshd <<'END'
Port 2222
HostKey %[1]s/host
AuthorizedKeysFile %[1]s/authorized
PidFile %[1]s/pid
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
END
/usr/sbin/sshd -f %[1]s/sshd -E %[1]s/log`, sshDir, public)
	t.Cleanup(func() {
		if out, err := l.there.sh("kill $(cat %s/pid); umount /etc/passwd", sshDir); err != nil {
			t.Error(fmt.Errorf("ending sshd: %s: %w", out, err))
		}
		if t.Failed() {
			out, _ := l.there.sh("cat %s/log", sshDir)
			t.Logf("sshd's log:\n%s", out)
		}
	})
}
