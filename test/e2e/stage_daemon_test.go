//go:build linux

package e2e

import (
	"strings"
	"time"
)

// serve starts a daemon on gpu7, in the place of one that is there.
func (s *stage) serve(statement string) {
	s.t.Helper()
	must(s.t, s.there, `cd %s
if [ -e rdmad.pid ]; then
	pid=$(cat rdmad.pid)
	kill $pid
	while kill -0 $pid 2>/dev/null; do sleep 0.1; done
fi
%s
(
exec %s
) >rdmad.log 2>&1 &
echo $! >rdmad.pid`, stageDir, s.environment(), statement)
	var log string
	if !eventually(startLimit, func() bool {
		log, _ = s.there.sh("cat %s/rdmad.log", stageDir)
		return strings.Contains(log, `"msg":"ready"`)
	}) {
		s.t.Fatalf("%s: it is not ready after %v\n%s", statement, startLimit, log)
	}
}

// serveTLS has gpu7's daemon know clients by their certificates, and this host have one.
func (s *stage) serveTLS() {
	s.t.Helper()
	files := must(s.t, s.there, `set -e
%[1]s
{
	[ -e /etc/rdmad/pki/ca.key ] || rdmad pki init
	[ -e /etc/rdmad/pki/gpu7.key ] || rdmad pki issue gpu7 --host gpu7
	rdmad pki issue carol
} >%[2]s/pki.log
cd /etc/rdmad/pki
tar -c ca.crt ca.crl carol.crt carol.key | base64`, s.environment(), stageDir)
	must(s.t, s.here, `set -e
mkdir -p %[1]s/home/.config/rdmacp
cd %[1]s/home/.config/rdmacp
base64 -d <<'END' | tar -x
%[2]s
END
mv carol.crt client.crt
mv carol.key client.key`, stageDir, files)
	s.serve(`rdmad --listen 0.0.0.0:7471 --tls-cert /etc/rdmad/pki/gpu7.crt --tls-key /etc/rdmad/pki/gpu7.key --tls-ca /etc/rdmad/pki/ca.crt \
	--admin /run/rdmad/admin.sock --export models=/srv/models --export scratch=/srv/scratch`)
}

// slowCopy begins a copy that is still under way when it is looked at.
func (s *stage) slowCopy() {
	s.t.Helper()
	must(s.t, s.here, `cd %[1]s/work
%[2]s
rdmacp --bwlimit 500K big.bin gpu7::scratch/slow >../slow.log 2>&1 &
echo $! >../slow.pid`, stageDir, s.environment())
	if !eventually(10*time.Second, func() bool {
		out, err := s.there.sh("%s rdmad status", s.environment())
		return err == nil && strings.Contains(out, "scratch/slow")
	}) {
		s.t.Fatalf("rdmad status does not show a copy: %s", must(s.t, s.here, "cat %s/slow.log", stageDir))
	}
}

// removeDevice takes a host's first device away, so that a page can make it.
func (s *stage) removeDevice(n *node) {
	s.t.Helper()
	must(s.t, n, "rdma link delete rxe0")
}

// dropRoCE has gpu7's firewall drop what RDMA's packets are in, until the page's end.
func (s *stage) dropRoCE() {
	s.t.Helper()
	must(s.t, s.there, `nft 'table inet docs { chain in { type filter hook input priority 0; udp dport 4791 drop; }; }'`)
}
