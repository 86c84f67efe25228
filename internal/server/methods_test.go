package server

import (
	"testing"

	"github.com/rdmacp/rdmacp/internal/mtls"
)

// Every method that is served is in the table, and nothing else is.
func TestMethods(t *testing.T) {
	t.Parallel()
	s, err := New(Config{MaxSessions: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	served := map[string]bool{}
	for service, info := range s.grpc.GetServiceInfo() {
		for _, m := range info.Methods {
			name := "/" + service + "/" + m.Name
			served[name] = true
			if methods[name] == nil {
				t.Errorf("%s is served, and nobody may call it", name)
			}
		}
	}
	for name := range methods {
		if !served[name] {
			t.Errorf("%s is in the table, and not served", name)
		}
	}
	if err := permit(t.Context(), "/rdmacp.v1.TransferService/None"); err == nil {
		t.Error("a method that is not in the table may be called")
	}
	if local([]string{mtls.Anonymous, "alice"}) || !local([]string{mtls.Local}) {
		t.Error("local is not who comes by a unix socket")
	}
}
