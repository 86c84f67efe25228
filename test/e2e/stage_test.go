//go:build linux

package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// stageDir is what a page's hosts have of their own, on either.
const stageDir = "/tmp/docs"

// stage is two hosts as a page's reader has them: rdmacp and rdmad installed, one called gpu7 (and gpu2), with an ssh server
// and a daemon, and files of those names that the pages have. It is for one page; what is written to /etc, /srv, /opt and home
// is gone with it.
type stage struct {
	t           *testing.T
	lab         *lab
	here, there *node
}

// newStage sets it up.
func (l *lab) newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{
		t: t, lab: l,
		here:  &node{name: here, argv: []string{"unshare", "--mount", "sh"}},
		there: &node{name: there, argv: []string{"on", there, "unshare", "--mount", "sh"}},
	}
	t.Cleanup(s.close)
	top, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range s.nodes() {
		must(t, n, `set -e
mkdir -p %[1]s
mount -t tmpfs tmpfs %[1]s
cd %[1]s
mkdir etc etc-work home home/ckpt home/.ssh home/.config bin work work/runs opt
cp /etc/hosts hosts
mount -t overlay overlay -o lowerdir=/etc,upperdir=%[1]s/etc,workdir=%[1]s/etc-work /etc
cp hosts /etc/hosts
echo '10.77.0.2 gpu7 gpu2' >>/etc/hosts
sed -i 's|^root:.*|root:*:0:0:root:%[1]s/home:/bin/sh|' /etc/passwd
echo 'me:*:0:0:me:%[1]s/home:/bin/sh' >>/etc/passwd
mount -t tmpfs tmpfs /srv
mount -t tmpfs tmpfs /opt
mkdir -p /opt/rdmacp/bin /srv/data /srv/models/llama-7b /srv/scratch/in /etc/rdmad /run/rdmad /run/sshd
ln -s %[2]s %[3]s bin/
ln -s %[3]s /opt/rdmacp/bin/
printf '#!/bin/sh\nexec "$@"\n' >bin/sudo # root has no need of it, and guests have none
chmod +x bin/sudo
ln -s %[4]s/hack work/hack
head -c 3000001 /dev/urandom >work/model.bin
head -c 20M /dev/urandom >work/big.bin
cp work/model.bin work/runs/a
echo loss >work/runs/b
cp work/model.bin home/ckpt.pt
cp work/model.bin /srv/models/llama-7b/weights
cp -r work/runs home/`, stageDir, l.rdmacp, l.rdmad, top)
	}
	s.openSSH()
	s.serve("rdmad --insecure --listen 0.0.0.0:7471 --admin /run/rdmad/admin.sock --export data=/srv/data --export models=/srv/models --export scratch=/srv/scratch")
	return s
}

func (s *stage) nodes() []*node { return []*node{s.here, s.there} }

// close ends the daemons and has the devices be as they were.
func (s *stage) close() {
	for _, n := range s.nodes() {
		if out, err := n.sh(`nft delete table inet docs 2>/dev/null || true
for file in %s/*.pid; do
	[ ! -e "$file" ] || kill "$(cat "$file")" 2>/dev/null || true
done
if [ ! -e /sys/class/infiniband/rxe0 ]; then
	hack/softroce/down 2>/dev/null || rdma link delete rxe_eth0 2>/dev/null || true
	rdma link add rxe0 type rxe netdev eth0
fi`, stageDir); err != nil {
			s.t.Errorf("%s: %v: %s", n.name, err, out)
		}
		n.drop()
	}
}

// run types a command on a host.
func (s *stage) run(n *node, statement string) {
	s.t.Helper()
	out, err := n.sh("%s", "cd "+stageDir+"/work\n"+s.environment()+placeholders.Replace(statement))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Logf("%s$ %s\n%s", n.name, statement, out)
	if strings.Contains(out, " · tcp ") && !strings.Contains(statement, "tcp") {
		s.t.Errorf("it did not go by RDMA")
	}
}

// environment is what a command has about it.
func (s *stage) environment() string {
	return fmt.Sprintf("export HOME=%[1]s/home PATH=%[1]s/bin:$PATH; unset RDMACP_CONFIG; umask 022; ", stageDir)
}

// openSSH starts a server on gpu7, to which this host has a key.
func (s *stage) openSSH() {
	s.t.Helper()
	public := must(s.t, s.here, `cd %s/home/.ssh
ssh-keygen -q -t ed25519 -N '' -f id_ed25519
printf 'StrictHostKeyChecking accept-new\nBatchMode yes\nLogLevel ERROR\n' >config
cat id_ed25519.pub`, stageDir)
	must(s.t, s.there, `cd %[1]s
ssh-keygen -q -t ed25519 -N '' -f host
echo '%[2]s' >authorized
cat >sshd <<'END'
Port 22
Port 2222
HostKey %[1]s/host
AuthorizedKeysFile %[1]s/authorized
PidFile %[1]s/sshd.pid
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
SetEnv PATH=%[1]s/bin:/usr/sbin:/usr/bin:/sbin:/bin
END
/usr/sbin/sshd -f %[1]s/sshd -E %[1]s/sshd.log`, stageDir, strings.TrimSpace(public))
}
