package rdmacp

import (
	"archive/tar"
	"compress/gzip"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rdmacp/rdmacp/internal/device"
	"github.com/rdmacp/rdmacp/internal/doctor"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/mtls"
)

// A bundle says what was found, and nothing of who and where.
func TestBundleTellsNoNames(t *testing.T) {
	t.Parallel()
	// Of the host and the user that run the test, and of those in what was found.
	here, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	secrets := []string{
		here, "alice", "/somewhere/of", "bob", "gpu7", "lab.example.org", "10.1.2.3", "10.1.2.4", "fd77::1", "fe80:", "52:54:00:12:34:56", "hunter2",
		"corpus", "moon", "shot", "/srv/vault", "attic",
	}
	if u, err := user.Current(); err == nil && u.Username != "root" {
		secrets = append(secrets, u.Username, u.HomeDir)
	}
	a := &app{io: IO{Env: []string{"USER=alice", "HOME=/somewhere/of/alice"}}}
	host := doctor.Host{
		Rails: func() ([]device.Rail, error) {
			return []device.Rail{{
				Device: "rxe_" + here, Port: 1, NetDev: "eth0", Addresses: []netip.Prefix{netip.MustParsePrefix("10.1.2.3/24")},
				GIDs: []device.GID{{Addr: netip.MustParseAddr("::ffff:10.1.2.3")}, {Addr: netip.MustParseAddr("fe80::5054:ff:fe12:3456")}},
			}}, nil
		},
		Limit: func() (uint64, bool) { return 0, false }, Kernel: "6.12.95",
		Root: fstest.MapFS{
			"proc/self/cgroup":                        {Data: []byte("0::/user.slice/alice")},
			"sys/fs/cgroup/user.slice/alice/rdma.max": {Data: []byte("rxe0 hca_object=9")},
		},
	}
	misnamed := x509.HostnameError{Certificate: &x509.Certificate{DNSNames: []string{"db1.lab.example.org"}}, Host: "gpu7"}
	fix, why := mtls.Explain(misnamed, "gpu7")
	var found []doctor.Finding
	for _, f := range []*fault.Error{
		fault.New(fault.Unproven, "proving who answers at gpu7:7471", why, fix),
		fault.New(fault.Unreachable, "connecting to 10.1.2.4:7471", errors.New("dial tcp [fd77::1]:9->10.1.2.4:7471, 52:54:00:12:34:56"), "/home/bob/x"),
		fault.New(fault.IO, "reading /somewhere/of/alice/x", errors.New("token=hunter2 on "+here), ""),
	} {
		f.Host = "gpu7"
		found = append(found, doctor.Finding{ID: "daemon", Status: doctor.Fail, Observed: f.Error(), Fault: f})
	}
	// The daemon's exports and what lies in them, as it says them and as the user did.
	lies := fault.New(fault.NotExport, `finding export "corpus"`, errors.New("there is none; this daemon exports attic (/srv/vault/attic)"), "")
	found = append(found,
		doctor.Finding{ID: "exports", Status: doctor.Fail, Observed: lies.Error(), Fault: lies, Exports: []string{"attic"}},
		doctor.Finding{ID: "disk", Status: doctor.OK, Observed: "gpu7::corpus/moon/shot: ext4, 2.0 GiB free"},
		doctor.Finding{ID: "disk", Status: doctor.OK, Observed: "/data/moon/shot/x is no directory"})
	members, err := a.members(host, found, patient{remote: &remote{Host: "gpu7", Export: "corpus", Path: "moon/shot"}})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "b.tar.gz")
	if err := writeBundle(name, members); err != nil {
		t.Fatal(err)
	}
	files := unpack(t, name)
	for file, text := range files {
		for _, s := range secrets {
			if strings.Contains(strings.ToLower(text), strings.ToLower(s)) {
				t.Errorf("%s says %q:\n%s", file, s, text)
			}
		}
		for line := range strings.Lines(text) {
			if strings.HasSuffix(file, ".jsonl") && !json.Valid([]byte(line)) {
				t.Errorf("%s: not JSON: %s", file, line)
			}
		}
	}
	for file, want := range map[string]string{
		"doctor.jsonl": `"code":"unreachable","fix":"[home]"`, "host.json": `"kernel": "6.12.95"`, "devices.json": `"netdev": "eth0"`, "build.json": `"go": "go1`,
	} {
		if text := files["rdmacp-doctor/"+file]; !strings.Contains(text, want) {
			t.Errorf("%s lacks %s:\n%s", file, want, text)
		}
	}
	if len(files) != len(members) {
		t.Errorf("%d of %d files were packed", len(files), len(members))
	}
}

// unpack reads a bundle. Nothing in it says whose it was.
func unpack(t *testing.T, name string) map[string]string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if z.Name != "" || z.Comment != "" {
		t.Errorf("it says %q, %q", z.Name, z.Comment)
	}
	files := map[string]string{}
	r := tar.NewReader(z)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if owner := fmt.Sprint(h.Uname, h.Gname, h.Uid, h.Gid); owner != "0 0" {
			t.Errorf("%s is of %s", h.Name, owner)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[h.Name] = string(text)
	}
}
