package server_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/mtls"
	"github.com/rdmacp/rdmacp/internal/pki"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
	"github.com/rdmacp/rdmacp/internal/transport/tcp"
)

// A copy ends well whose client's certificate runs out meanwhile, and the next one is refused,
// with the date: at the handshake only is looked at certificates.
func TestExpiresMeanwhile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ca, err := pki.Init(dir, "test")
	must(t, err)
	issue := func(name string, life time.Duration) (*mtls.Store, time.Time) {
		issued, err := ca.Issue(pki.Request{Name: name, Hosts: []string{"127.0.0.1"}, Life: life})
		must(t, err)
		s, err := mtls.Open(mtls.Files{Cert: issued.Cert, Key: issued.Key, CA: ca.CertFile()}, nil)
		must(t, err)
		return s, issued.Until
	}
	there, _ := issue("daemon", time.Hour)
	here, until := issue("brief", 3*time.Second)
	data := tcp.New(tcp.Config{}) // whose listener has who is refused hear so, as rdmad's does
	d := startOn(t, func(l net.Listener) net.Listener { return data.Listen(there.Listen(l)) }, memory.Faults{})
	o := d.options(transport.Put)
	o.TLS = here
	s, err := client.Dial(t.Context(), o)
	must(t, err)
	var over sync.Once
	content := noise(20 * chunk)
	_, err = put(t.Context(), t, s, content, to("x"), func(int64) {
		over.Do(func() { time.Sleep(time.Until(until.Add(time.Second))) })
	})
	must(t, err)
	must(t, s.Close())
	holds(t, filepath.Join(d.dir, "x"), content)
	must(t, os.Remove(filepath.Join(d.dir, "x")))

	begun := time.Now()
	_, err = client.Dial(t.Context(), o)
	f := failsWith(t, err, fault.Unproven)
	if want := "was in force until " + until.Local().Format("2006-01-02 15:04"); !strings.Contains(f.Why.Error(), want) || !strings.Contains(f.Fix, "--renew") {
		t.Errorf("it says %v, want %q", &f, want)
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("it was refused after %v", took)
	}
}
