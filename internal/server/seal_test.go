package server_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/mtls"
	"github.com/rdmacp/rdmacp/internal/pki"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
)

// proof are the credentials of a daemon at 127.0.0.1 and of a client.
func proof(t *testing.T) (daemon, client *mtls.Store) {
	t.Helper()
	dir := t.TempDir()
	ca, err := pki.Init(dir, "test")
	must(t, err)
	open := func(r pki.Request) *mtls.Store {
		r.Life = time.Hour
		_, err := ca.Issue(r)
		must(t, err)
		s, err := mtls.Open(mtls.Files{Cert: filepath.Join(dir, r.Name+".crt"), Key: filepath.Join(dir, r.Name+".key"), CA: ca.CertFile()}, slog.New(slog.DiscardHandler))
		must(t, err)
		return s
	}
	return open(pki.Request{Name: "daemon", Hosts: []string{"127.0.0.1"}}), open(pki.Request{Name: "client"})
}

// What goes by RDMA is encrypted where the client wants it, by keys of each session's own.
func TestEncrypted(t *testing.T) {
	t.Parallel()
	there, here := proof(t)
	d := startOn(t, there.Listen, memory.Faults{Seed: 1, Delay: time.Millisecond, Late: 0.3})
	data := noise(20*chunk + 1)
	for _, way := range []transport.Direction{transport.Put, transport.Get} {
		for _, unverified := range []bool{false, true} {
			o := d.options(way)
			o.TLS, o.Encrypt, o.Unverified = here, true, unverified
			s, err := client.Dial(t.Context(), o)
			must(t, err)
			if !s.Peer().Encrypted {
				t.Error("it does not say that it is encrypted")
			}
			var r client.Result
			back := filepath.Join(t.TempDir(), "back")
			if way == transport.Put {
				back = filepath.Join(d.dir, "there")
				must(t, os.RemoveAll(back))
				r, err = putTree(t.Context(), t, s, sourceFile(t, data), to("there"), job(nil))
			} else {
				r, err = getTree(t.Context(), t, s, back, job(nil), to("there"))
			}
			must(t, err)
			holds(t, back, data)
			if r.Local.Cipher == 0 || r.Remote.Cipher == 0 || r.Local.Bytes != uint64(len(data)) || r.Remote.Bytes != uint64(len(data)) {
				t.Errorf("%s: %+v here, %+v there", way, r.Local.Stats, r.Remote.Stats)
			}
			must(t, s.Close())
		}
	}
}

// Without TLS there is nothing to encrypt by: neither end goes on in the clear.
func TestNothingToEncryptBy(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{})
	o := d.options(transport.Put)
	o.Encrypt = true
	if _, err := client.Dial(t.Context(), o); fault.CodeOf(err) != fault.Usage {
		t.Errorf("the client says %v", err)
	}
	r := d.raw(t, transport.Put)
	h := r.hello(transport.Put)
	h.Encrypt = true
	r.say(t, h)
	if f := r.verdict(t); f.Code != fault.Usage {
		t.Errorf("the daemon says %v", f)
	}
}
