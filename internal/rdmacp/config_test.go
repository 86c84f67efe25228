package rdmacp

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/testenv"
)

// configured is what holds of a host where the user's file, the system's, the environment
// and flags say so. An empty file is none.
func configured(t *testing.T, own, system string, environ, args []string, host string) (*options, layer, error) {
	t.Helper()
	var dirs []string
	for _, text := range []string{own, system} {
		dir := t.TempDir()
		dirs = append(dirs, dir)
		if text == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, configName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o := &options{}
	flags := pflag.NewFlagSet("rdmacp", pflag.ContinueOnError)
	for _, g := range o.groups() {
		flags.AddFlagSet(g.flags)
	}
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	s, err := readSettings(IO{Env: append([]string{"HOME=/home/u"}, environ...)}, dirs)
	if err != nil {
		return o, nil, err
	}
	l, err := s.resolve(host, flags)
	if err != nil {
		return o, nil, err
	}
	if err := o.adopt(flags, l); err != nil {
		return o, nil, err
	}
	_, err = o.check(flags)
	return o, l, err
}

func TestConfigPrecedence(t *testing.T) {
	t.Parallel()
	const own = "port = 1\nslots = 1\nrails = 1\nqps = 1\n[host.gpu7]\naddress = 'fd00::7'\nslots = 2\n[host.'gpu.8']\nport = 8\n"
	const system = "port = 10\nqps = 10\nbwlimit = '1G'\n[host.gpu7]\nqps = 20\nslots = 20\nconnect-timeout = '3s'\n"
	o, _, err := configured(t, own, system, []string{"RDMACP_RAILS=3", "RDMACP_PORT=", "RDMACP_SLOTSS=3", "RDMACP_CACHE=x"}, []string{"--rails=4"}, "gpu7")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]any{"port": o.port, "slots": o.slots, "rails": o.rails, "qps": o.qps, "bwlimit": o.bwlimit, "timeout": o.connectTimeout.String(), "address": o.address}
	want := map[string]any{"port": 1, "slots": 2, "rails": 4, "qps": 1, "bwlimit": "1G", "timeout": "3s", "address": "fd00::7"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if o, _, err = configured(t, own, system, []string{"RDMACP_RAILS=3"}, nil, "gpu.8"); err != nil || o.port != 8 || o.rails != 3 || o.address != "" || o.slots != 1 {
		t.Errorf("port %d, rails %d, address %q, slots %d: %v", o.port, o.rails, o.address, o.slots, err)
	}
}

// What would contradict what goes before it is left out, and is no error.
func TestConfigGivesWay(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, own, system string
		environ, args     []string
		want              []string
	}{
		{"a token goes before certificates", "", "tls-ca = '/a'\ntls-cert = '/b'\ntls-key = '/c'", []string{"RDMACP_TOKEN=/t"}, nil, []string{"token"}},
		{"certificates by flags", "token = '/t'", "", nil, []string{"--tls-ca=/a"}, nil},
		{"one certificate by a flag", "tls-ca = '/a'\ntls-cert = '/b'", "", nil, []string{"--tls-cert=/x"}, []string{"tls-ca"}},
		{"insecure by a flag", "tls-ca = '/a'\nvia-ssh = true", "", nil, []string{"--insecure"}, nil},
		{"not insecure by a flag", "tls-ca = '/a'", "", nil, []string{"--insecure=false"}, []string{"tls-ca"}},
		{"no ssh by a flag", "via-ssh = true\ntls-ca = '/a'", "", nil, []string{"--via-ssh=false"}, []string{"tls-ca"}},
		{"ssh has keys of its own", "via-ssh = true\ntls-ca = '/a'\nport = 3", "", nil, nil, []string{"port", "via-ssh"}},
		{"a port is a daemon's", "via-ssh = true", "", nil, []string{"--port=3"}, nil},
		{"a device is for RDMA", "device = 'mlx5_0'", "", nil, []string{"--transport=tcp"}, nil},
		{"RDMA is, too", "device = 'mlx5_0'", "transport = 'tcp'", nil, nil, []string{"device"}},
		{"a switch that is off", "via-ssh = false", "tls-ca = '/a'", []string{"RDMACP_INSECURE=0"}, nil, []string{"insecure", "tls-ca", "via-ssh"}},
		{"a switch by a number", "", "token = '/a'", []string{"RDMACP_INSECURE=1"}, nil, []string{"insecure"}},
		{"nothing is proved", "read-back = true", "", nil, []string{"--no-verify"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, l, err := configured(t, tt.own, tt.system, tt.environ, tt.args, "gpu7")
			if err != nil {
				t.Fatal(err)
			}
			if got := slices.Sorted(maps.Keys(l)); !slices.Equal(got, tt.want) {
				t.Errorf("what holds is %q, not %q", got, tt.want)
			}
		})
	}
}

func TestConfigErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, own string
		environ   []string
		say       string
	}{
		{"unknown key", "transprot = 'tcp'", nil, "did you mean transport?"},
		{"what is removed is not configured", "delete = true", nil, `there is no key "delete"`},
		{"nor what is overwritten", "ignore-times = true", nil, "no key"},
		{"unknown key of a host", "[host.a]\nprot = 1", nil, "did you mean port?"},
		{"an address of all hosts", "address = 'x'", nil, "no key"},
		{"a host as a word", "host = 'a'", nil, "[host.NAME]"},
		{"dots without quotes", "[host.a.b]\nport = 1", nil, `[host."a.b"]`},
		{"no TOML", "port = [", nil, "line 1"},
		{"a list", "port = [1]", nil, "no text, whole number"},
		{"no number", "port = 'many'", nil, "reading the setting port = many ("},
		{"no switch", "encrypt = 'maybe'", nil, "encrypt = maybe"},
		{"no time", "retry-for = 3", nil, "retry-for = 3"},
		{"no way", "source = 'fast'", nil, "there is no such way"},
		{"out of range", "port = 70000", nil, "--port is said by /"},
		{"by a variable", "", []string{"RDMACP_TRANSPORT=udp"}, "--transport is said by RDMACP_TRANSPORT"},
		{"they contradict one another", "device = 'a'\ntransport = 'tcp'", nil, "--transport is said by"},
		{"no address", "[host.gpu7]\naddress = 'a b'", nil, "the port is a key of its own"},
		{"no such file", "", []string{"RDMACP_CONFIG=/none/at/all"}, "exists"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := configured(t, tt.own, "", tt.environ, nil, "gpu7")
			f, ok := fault.As(err)
			if !ok || f.Code != fault.Usage || f.Fix == "" {
				t.Fatalf("not a whole usage fault: %#v", err)
			}
			if text := f.Error() + " " + f.Fix; !strings.Contains(text, tt.say) {
				t.Errorf("%q does not say %q", text, tt.say)
			}
		})
	}
}

// Files that are named lie beside the configuration that names them, or in the home directory.
func TestConfigPaths(t *testing.T) {
	t.Parallel()
	_, l, err := configured(t, "tls-ca = 'lab.crt'\ntls-key = '~/k'\ntls-cert = '/etc/c'", "", []string{"RDMACP_TLS_CRL=x"}, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	if !filepath.IsAbs(l["tls-ca"].text) || filepath.Dir(l["tls-ca"].text) != filepath.Dir(l["tls-ca"].from) {
		t.Errorf("tls-ca is %+v", l["tls-ca"])
	}
	if l["tls-key"].text != "/home/u/k" || l["tls-cert"].text != "/etc/c" || l["tls-crl"].text != "x" {
		t.Errorf("%+v", l)
	}
}

// Who may write the file says which program is started: nobody else than the user may.
func TestConfigOfOthers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := filepath.Join(dir, configName)
	if err := os.WriteFile(name, []byte("rsh = 'x'"), 0o600); err != nil {
		t.Fatal(err)
	}
	for mode, refused := range map[os.FileMode]bool{0o600: false, 0o644: false, 0o664: true, 0o646: true} {
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
		_, err := readSettings(IO{Env: []string{}}, []string{dir})
		if f, _ := fault.As(err); refused != (err != nil) || refused && !strings.Contains(f.Error(), "others may write to it") {
			t.Errorf("mode %04o: %v", mode, err)
		}
	}
	if err := os.Chmod(name, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := readSettings(IO{Env: []string{"RDMACP_CONFIG=" + name}}, nil); err != nil {
		t.Errorf("one that was named: %v", err)
	}
	if os.Geteuid() != 0 {
		testenv.Missing(t, "root, who alone can give a file to somebody else")
	}
	if err := os.Chmod(name, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(name, 12345, -1); err != nil {
		testenv.Missing(t, "a root who can give a file away: %v", err)
	}
	if _, err := readSettings(IO{Env: []string{}}, []string{dir}); err == nil || !strings.Contains(err.Error(), "user 12345") {
		t.Errorf("somebody else's file: %v", err)
	}
}

// What can be configured are flags of a copy, and none that says what is copied, sent or removed.
func TestKeysAreFlags(t *testing.T) {
	t.Parallel()
	o := &options{}
	all, never := pflag.NewFlagSet("", pflag.ContinueOnError), pflag.NewFlagSet("", pflag.ContinueOnError)
	for _, g := range o.groups() {
		all.AddFlagSet(g.flags)
	}
	p := &options{}
	for _, add := range []func(*pflag.FlagSet){p.addTrees, p.addFilters, p.keeping.add, p.updating.add, p.removing.add} {
		add(never)
	}
	for _, key := range keys() {
		if all.Lookup(key) == nil || never.Lookup(key) != nil {
			t.Errorf("%s", key)
		}
	}
	for _, key := range switches() {
		if all.Lookup(key).Value.Type() != "bool" {
			t.Errorf("%s is no switch", key)
		}
	}
	for key, list := range yields {
		for _, name := range append(slices.Clone(list), key) {
			if name, _, _ = strings.Cut(name, "="); all.Lookup(name) == nil {
				t.Errorf("%s gives way to %s, which is no flag", key, name)
			}
		}
	}
}

func TestHostAmong(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args  []string
		alone bool
		want  string
	}{
		{[]string{"a", "gpu7::x/y"}, false, "gpu7"},
		{[]string{"me@gpu7:x", "."}, false, "gpu7"},
		{[]string{"rdma://gpu7:7/x", "."}, false, "gpu7"},
		{[]string{"[fd00::7]:/x", "."}, false, "fd00::7"},
		{[]string{"./a:b", "c"}, false, ""},
		{[]string{"gpu7"}, true, "gpu7"},
		{[]string{"file", "gpu7:"}, true, "gpu7"},
		{nil, true, ""},
	} {
		if got := hostAmong(tt.args, tt.alone); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.args, got, tt.want)
		}
	}
}

// docs/configuration.md has all keys.
func TestKeysAreDocumented(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range append(keys(), keyAddress+" =") {
		if !strings.Contains(string(b), key) {
			t.Errorf("it does not say %s", key)
		}
	}
}

// Its example is a configuration.
func TestDocumentedExample(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "```toml\n")
	example, _, ok := strings.Cut(rest, "```\n")
	if !ok {
		t.Fatal("there is none")
	}
	for host, port := range map[string]int{"gpu7": 7500, "login.lab": defaultPort} {
		o, l, err := configured(t, example, "", nil, nil, host)
		if err != nil || o.port != port || o.viaSSH != (host == "login.lab") || l["retry-for"].text != "10m" {
			t.Errorf("%s: port %d, by ssh %t, %v", host, o.port, o.viaSSH, err)
		}
	}
}
