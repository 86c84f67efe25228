package rdmacp

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rdmacp/rdmacp/internal/fault"
)

func TestParseLocation(t *testing.T) {
	t.Parallel()
	tests := []struct {
		arg  string
		want *remote // nil: local
	}{
		{"a", nil},
		{"/a:b", nil},
		{"./a:b", nil},
		{"a/b:c", nil},
		{":a", nil},
		{"[a]", nil},
		{"[a/b]:c", nil},
		{"devices", nil},
		{"gpu7:/data/x", &remote{Host: "gpu7", Path: "/data/x"}},
		{"gpu7:/data/x/", &remote{Host: "gpu7", Path: "/data/x", TrailingSlash: true}},
		{"gpu7:/", &remote{Host: "gpu7", Path: "/", TrailingSlash: true}},
		{"gpu7:///", &remote{Host: "gpu7", Path: "/", TrailingSlash: true}},
		{"gpu7:/a/.", &remote{Host: "gpu7", Path: "/a/.", TrailingSlash: true}},
		{"gpu7:/a/..", &remote{Host: "gpu7", Path: "/a/..", TrailingSlash: true}},
		{"gpu7:/a:b", &remote{Host: "gpu7", Path: "/a:b"}},
		{"gpu7:/%20", &remote{Host: "gpu7", Path: "/%20"}},
		{"10.0.0.1:/x", &remote{Host: "10.0.0.1", Path: "/x"}},
		{"gpu7::data", &remote{Host: "gpu7", Export: "data"}},
		{"gpu7::data/", &remote{Host: "gpu7", Export: "data", TrailingSlash: true}},
		{"gpu7::data/a/b", &remote{Host: "gpu7", Export: "data", Path: "a/b"}},
		{"gpu7::data//a/", &remote{Host: "gpu7", Export: "data", Path: "a", TrailingSlash: true}},
		{"[fe80::1%eth0]:/x", &remote{Host: "fe80::1%eth0", Path: "/x"}},
		{"[::1]::data/x", &remote{Host: "::1", Export: "data", Path: "x"}},
		{"rdma://gpu7/data/x", &remote{Host: "gpu7", Path: "/data/x"}},
		{"rdma://gpu7:7472/data/x/", &remote{Host: "gpu7", Port: 7472, Path: "/data/x", TrailingSlash: true}},
		{"rdma://[::1]/x", &remote{Host: "::1", Path: "/x"}},
		{"rdma://[fe80::1%25eth0]:1/a%20b", &remote{Host: "fe80::1%eth0", Port: 1, Path: "/a b"}},
		{"rdma://gpu7/a?b#c", &remote{Host: "gpu7", Path: "/a?b#c"}},
	}
	for _, tt := range tests {
		t.Run(tt.arg, func(t *testing.T) {
			t.Parallel()
			got, err := parseLocation(tt.arg, false)
			if err != nil {
				t.Fatal(err)
			}
			if got.arg != tt.arg {
				t.Errorf("arg = %q", got.arg)
			}
			if diff := cmp.Diff(tt.want, got.remote); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseLocationErrors(t *testing.T) {
	t.Parallel()
	tests := []struct{ arg, say string }{
		{"", "empty"},
		{"a\x00b", "zero byte"},
		{"rdma:", "home directory"},
		{"gpu7:", "home directory"},
		{"gpu7:x", "gpu7::EXPORT/x"},
		{"gpu7:~/x", "home directory"},
		{"gpu7:7472/x", "rdma://gpu7:7472/x"},
		{"gpu7::", "export is missing"},
		{"gpu7::/x", "export is missing"},
		{"fe80::1:/x", "brackets"},
		{"joe@gpu7:/x", "no users"},
		{"[::g]:/x", "not an IPv6 address"},
		{"[10.0.0.1]:/x", "not an IPv6 address"},
		{"-oProxyCommand=x:/y", "'-'"},
		{"gpu 7:/x", "not the name of a host"},
		{"rdma://gpu7", "path is missing"},
		{"rdma:///x", "host is missing"},
		{"rdma://gpu7:/x", "not a port"},
		{"rdma://gpu7:0/x", "not a port"},
		{"rdma://gpu7:65536/x", "not a port"},
		{"rdma://gpu7::data/x", "not a port"},
		{"rdma://[::1/x", "']' is missing"},
		{"rdma://[::1]7/x", "not a port"},
		{"rdma://gpu7/%zz", "%zz"},
		{"rdma://gpu7/%00", "zero byte"},
		{"rdma://joe@gpu7/x", "no users"},
	}
	for _, tt := range tests {
		t.Run(tt.arg, func(t *testing.T) {
			t.Parallel()
			_, err := parseLocation(tt.arg, false)
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

func FuzzParseLocation(f *testing.F) {
	for _, s := range []string{"a", "h:/p", "h::e/p", "[::1]:/p", "rdma://h:1/p%20", "./a:b", "h:p", "[", "]:", "rdma://[", "h::e/../"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, arg string) {
		loc, err := parseLocation(arg, false)
		if err != nil {
			if fault.CodeOf(err) != fault.Usage {
				t.Fatalf("%q: not a usage fault: %v", arg, err)
			}
			return
		}
		colon, slash := strings.IndexByte(arg, ':'), strings.IndexByte(arg, '/')
		if slash >= 0 && slash < colon && loc.remote != nil {
			t.Fatalf("%q: remote, though a '/' comes before any ':'", arg)
		}
		if loc.remote != nil {
			checkRemote(t, arg, loc.remote)
		}
	})
}

// checkRemote checks what every remote name has to be.
func checkRemote(t *testing.T, arg string, r *remote) {
	t.Helper()
	switch {
	case r.Host == "" || strings.ContainsAny(r.Host, "/[]@\x00") || r.Host[0] == '-':
		t.Fatalf("%q: host %q", arg, r.Host)
	case r.Export == "" && !strings.HasPrefix(r.Path, "/"):
		t.Fatalf("%q: path %q is not absolute", arg, r.Path)
	case r.Export != "" && strings.HasPrefix(r.Path, "/"):
		t.Fatalf("%q: path %q below an export is absolute", arg, r.Path)
	case strings.ContainsAny(r.Export, "/:\x00") || strings.ContainsRune(r.Path, 0):
		t.Fatalf("%q: export %q, path %q", arg, r.Export, r.Path)
	case r.Port < 0 || r.Port > 65535:
		t.Fatalf("%q: port %d", arg, r.Port)
	}
	if b := r.base(); b == "." || b == ".." || strings.Contains(b, "/") {
		t.Fatalf("%q: base %q", arg, b)
	}
}
