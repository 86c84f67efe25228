package redact_test

import (
	"strings"
	"testing"

	"github.com/rdmacp/rdmacp/internal/redact"
)

// newRedactor knows of two hosts, of two people and of a file.
func newRedactor() *redact.Redactor {
	r := redact.New()
	r.Host("node17.lab.example.org")
	r.Host("gpu7")
	r.User("alice")
	r.User("root")
	r.Host("127.0.0.1")
	r.Host("localhost")
	r.Path("/srv/secret project/alice.key")
	r.Path("/")
	return r
}

func TestText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"nothing to hide: rdma.max of /sys, 6.12.95, root": "nothing to hide: rdma.max of /sys, 6.12.95, root",
		// Hosts: in any case, with and without domain, and others of the domain.
		"gpu7: connecting to GPU7:7471":               "host-2: connecting to host-2:7471",
		"node17 is node17.lab.example.org.":           "host-1 is host-1.",
		"lookup gpu7.other.net: no such host":         "lookup host-2: no such host",
		"dns.lab.example.org and DNS.lab.example.org": "host-3 and host-3",
		"gpu77, xgpu7, gpu7-ib, rdma_gpu7":            "gpu77, xgpu7, host-2-ib, rdma_host-2",
		"localhost 127.0.0.1 [::1]:7471 0.0.0.0":      "localhost 127.0.0.1 [::1]:7471 0.0.0.0",
		// People, and what lies in their home directories or was named.
		"certificate of alice, malice":                          "certificate of user-1, malice",
		"open /home/bob/plans/x.crt: no, /root/a, /rooted":      "open [home]: no, [home], /rooted",
		"reading /srv/secret project/alice.key: it is readable": "reading path-1: it is readable",
		// Addresses: the same one has the same placeholder, however it is written.
		"10.1.2.3:7471->10.1.2.4: and ::ffff:10.1.2.3.": "ipv4-1:7471->ipv4-2: and ipv4-1.",
		"rxe0/1 on eth0 (10.1.2.3/24, fe80::1%eth0)":    "rxe0/1 on eth0 (ipv4-1/24, link-local-1%eth0)",
		"fd77::1: dialling [fd77::1]:7471":              "ipv6-1: dialling [ipv6-1]:7471",
		"at 12:30:45, 52:54:00:12:34:56":                "at 12:30:45, hw-1",
		"node_guid 5054:00ff:fe12:3456":                 "node_guid hw-1",
		// Secrets.
		"token=hunter2 next":                                                "token=[redacted] next",
		`"api_key": "x" Bearer abc.def`:                                     `"api_key": [redacted] Bearer [redacted]`,
		"https://me:pw@example.com/x":                                       "https://[redacted]@example.com/x",
		"-----BEGIN PRIVATE KEY-----\nMC":                                   "[redacted]",
		"docker-" + strings.Repeat("0f", 32) + ".scope":                     "docker-[redacted].scope",
		"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9":                              "[redacted]",
		"a-long-name-that-is-no-secret-at-all-in-here":                      "a-long-name-that-is-no-secret-at-all-in-here",
		"the cgroup /user.slice/alice/5f0c1d8e-7b1a-4c55-9a0e-1234567890ab": "the cgroup /user.slice/user-1/[redacted]",
	} {
		if got := newRedactor().Text(in); got != want {
			t.Errorf("%s\ngives %s\nwant  %s", in, got, want)
		}
	}
}

// A placeholder stands for the same in all texts, and nothing is found in placeholders.
func TestPlaceholdersAreStable(t *testing.T) {
	t.Parallel()
	r := newRedactor()
	r.User("host")
	r.User("1")
	for range 2 {
		if got := r.Text("gpu7 10.0.0.9 host 1"); got != "host-2 ipv4-1 user-2 user-3" {
			t.Error(got)
		}
	}
}

// Of JSON the values are redacted, and neither names of fields nor numbers.
func TestJSON(t *testing.T) {
	t.Parallel()
	r := redact.New()
	r.User("id")
	b, err := r.JSON(map[string]any{"id": "id", "n": uint64(1<<63 + 1), "all": []any{"<10.0.0.1>", nil, true}})
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(strings.Fields(string(b)), "")
	if want := `{"all":["<ipv4-1>",null,true],"id":"user-1","n":9223372036854775809}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
