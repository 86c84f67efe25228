package verbs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
)

func TestGID(t *testing.T) {
	tests := []struct {
		addr                string
		str                 string
		v4, linkLocal, zero bool
		unmapped            string
	}{
		{addr: "::ffff:10.77.0.1", str: "::ffff:10.77.0.1", v4: true, unmapped: "10.77.0.1"},
		{addr: "::ffff:169.254.3.4", str: "::ffff:169.254.3.4", v4: true, linkLocal: true, unmapped: "169.254.3.4"},
		{addr: "fe80::1", str: "fe80::1", linkLocal: true, unmapped: "fe80::1"},
		{addr: "2001:db8::7", str: "2001:db8::7", unmapped: "2001:db8::7"},
		{addr: "::", str: "::", zero: true, unmapped: "::"},
	}
	for _, tt := range tests {
		t.Run(tt.addr, func(t *testing.T) {
			g := GID(netip.MustParseAddr(tt.addr).As16())
			if g.String() != tt.str || g.IsIPv4Mapped() != tt.v4 || g.IsLinkLocal() != tt.linkLocal || g.IsZero() != tt.zero {
				t.Errorf("got %v, v4 %t, link-local %t, zero %t", g, g.IsIPv4Mapped(), g.IsLinkLocal(), g.IsZero())
			}
			if got := g.Addr(); got != netip.MustParseAddr(tt.unmapped) {
				t.Errorf("Addr is %v, want %s", got, tt.unmapped)
			}
			if text, err := g.MarshalText(); err != nil || string(text) != tt.str {
				t.Errorf("MarshalText gave %q, %v", text, err)
			}
		})
	}
}

func TestKeyNeverPrints(t *testing.T) {
	const secret Key = 0xdeadbeef
	var log bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(h).Info("posting", slog.Any("key", secret), slog.Any("wr", SendWR{RKey: secret}))
	}
	js, err := json.Marshal(struct{ K Key }{secret})
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range []string{
		fmt.Sprint(secret), fmt.Sprintf("%d %x %#v %v %s %q %08b", secret, secret, secret, secret, secret, secret, secret),
		fmt.Sprintf("%+v", SendWR{RKey: secret}), secret.String(), log.String(), string(js),
	} {
		for _, leak := range []string{"3735928559", "deadbeef", "11011110"} {
			if strings.Contains(strings.ToLower(got), leak) {
				t.Errorf("the key is in %q", got)
			}
		}
		if !strings.Contains(got, redacted) {
			t.Errorf("%q doesn't say %s", got, redacted)
		}
	}
}
