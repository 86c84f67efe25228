//go:build linux

package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// pkiDir is where certificates are, on either host.
const pkiDir = topDir + "/pki"

// TestTLS copies by RDMA where both ends prove who they are, with certificates that
// `rdmad pki` made; and not a byte for who does not, or has not the right to it.
func TestTLS(t *testing.T) {
	tr := newTrial(t)
	l := tr.lab
	l.certificates(t)
	d, err := l.startDaemon(nil, "--listen", "0.0.0.0:7473", "--config", pkiDir+"/rdmad.toml",
		"--tls-cert", pkiDir+"/daemon.crt", "--tls-key", pkiDir+"/daemon.key", "--tls-ca", pkiDir+"/ca.crt", "--tls-crl", pkiDir+"/ca.crl", "--admin", pkiDir+"/admin.sock")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if code, err := d.stop(); err != nil || code != 0 {
			t.Errorf("the daemon ended with %d, %v\n%s", code, err, d.log.String())
		}
	}()
	as := func(name string) []string { return append(proveAs(name), "--tls-ca="+pkiDir+"/ca.crt") }
	for _, source := range l.nodes() {
		src := random(t, source, dataDir+"/proved", 3_000_001)
		for name, c := range map[string]struct {
			flags []string
			exit  int
			code  string
			words []string
		}{
			"alice":                 {flags: as("alice")},
			"reader":                {flags: as("reader"), exit: 3, code: "denied", words: []string{"it is reader"}},
			"revoked":               {flags: as("revoked"), exit: 5, code: "unproven", words: []string{"refuses the certificate"}},
			"without a certificate": {flags: []string{"--port=7473"}, exit: 5, code: "unproven", words: []string{"TLS only", "--tls-cert"}},
			"insecure":              {flags: []string{"--port=7473", "--insecure"}, exit: 5, code: "unproven", words: []string{"TLS only"}},
		} {
			t.Run("from "+source.name+"/"+name, func(t *testing.T) {
				sub := tr.within(t)
				r := sub.copy(sub.across(src, src.path+".as-"+strings.ReplaceAll(name, " ", "-")), c.flags...)
				if c.exit == 0 || name == "reader" && source == l.there {
					r.copied(t)
					if !strings.Contains(r.stdout, `"transport":"rdma"`) {
						t.Errorf("not by RDMA:\n%s", r.stdout)
					}
					return
				}
				r.failed(t, c.exit, c.code, append(c.words, there)...)
			})
		}
		tr.testEncrypt(source, as("alice"))
		tr.testToken(src)
	}
	seen := must(t, l.here, "%s top -d 500ms %s %s", l.rdmacp, strings.Join(as("alice"), " "), there)
	if !strings.Contains(seen, "at "+there+" · 0 sessions · ") {
		t.Errorf("what the daemon does:\n%s", seen)
	}
}

// proveAs are the flags of a client by that name.
func proveAs(name string) []string {
	return []string{"--port=7473", "--tls-cert=" + pkiDir + "/" + name + ".crt", "--tls-key=" + pkiDir + "/" + name + ".key"}
}

// testToken copies by a token of the daemon's, which is good for one copy.
func (tr *trial) testToken(src file) {
	l, write := tr.lab, ""
	if src.host == l.here {
		write = "--write"
	}
	text := must(tr.t, l.there, "%s token create %s --admin %s/admin.sock data - 2>/dev/null", l.rdmad, write, pkiDir)
	must(tr.t, l.here, "umask 077; rm -f %[1]s/token; cat >%[1]s/token <<'END'\n%[2]s\nEND", pkiDir, text)
	for i, name := range []string{"once", "twice"} {
		tr.t.Run("by a token from "+src.host.name+"/"+name, func(t *testing.T) {
			sub := tr.within(t)
			r := sub.copy(sub.across(src, src.path+".by-token-"+name), "--port=7473", "--token="+pkiDir+"/token")
			if i > 0 {
				r.failed(t, 5, "unproven", "does not take the token", there)
				return
			}
			r.copied(t)
			if !strings.Contains(r.stdout, `"transport":"rdma"`) {
				t.Errorf("not by RDMA:\n%s", r.stdout)
			}
		})
	}
}

// testEncrypt copies what can be told apart on the wire, in the clear and encrypted.
func (tr *trial) testEncrypt(source *node, flags []string) {
	const mark = "rdmacp, to be read by anybody"
	out := must(tr.t, source, `yes %[1]q | head -c 3000001 >%[2]s && chmod 0640 %[2]s && touch -d @1700000000.123456789 %[2]s && sha256sum <%[2]s`, mark, dataDir+"/marked")
	src := file{source, dataDir + "/marked", strings.Fields(out)[0]}
	for _, encrypt := range []bool{false, true} {
		tr.t.Run(fmt.Sprintf("encrypt=%v from %s", encrypt, source.name), func(t *testing.T) {
			sub, wire := tr.within(t), listenTo(t, "eth0", []byte(mark))
			r := sub.copy(sub.across(src, fmt.Sprintf("%s.%v", src.path, encrypt)), append(flags, "--rails=1", fmt.Sprintf("--encrypt=%v", encrypt))...)
			r.copied(t)
			if !strings.Contains(r.stdout, fmt.Sprintf(`"transport":"rdma","encrypted":%v,`, encrypt)) {
				t.Errorf("it does not say so:\n%s", r.stdout)
			}
			if seen, all := wire.seen.Load(), wire.all.Load(); (seen == 0) != encrypt || all < 100 {
				t.Errorf("the file is to be read in %d of %d frames", seen, all)
			}
		})
	}
}

// certificates makes a CA on node2 and takes what its clients need to node1.
func (l *lab) certificates(t *testing.T) {
	t.Helper()
	pki := fmt.Sprintf("%s pki --dir %s/ca", l.rdmad, pkiDir)
	files := must(t, l.there, `set -e
mkdir -p %[2]s
%[1]s init >/dev/null
%[1]s issue daemon --host %[3]s >/dev/null
for name in alice reader revoked; do %[1]s issue $name >/dev/null; done
%[1]s revoke revoked >/dev/null
cp %[2]s/ca/ca.crl %[2]s/ca/*.crt %[2]s/ca/daemon.key %[2]s/
cat >%[2]s/rdmad.toml <<'END'
[export.data]
path = "%[4]s"
read = ["read*"]
write = ["alice"]
END
tar -C %[2]s/ca -c ca.crt alice.crt alice.key reader.crt reader.key revoked.crt revoked.key | base64`, pki, pkiDir, there, dataDir)
	must(t, l.here, "mkdir -p %[1]s; base64 -d <<'END' | tar -C %[1]s -x\n%[2]s\nEND", pkiDir, files)
}
