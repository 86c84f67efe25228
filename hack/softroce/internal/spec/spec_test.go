package spec

import "testing"

func TestEndpoint(t *testing.T) {
	alone := Guest{Node: 1, Nodes: 1, Rails: 4}
	second := Guest{Node: 2, Nodes: 2, Rails: 2}
	for _, c := range []struct {
		guest Guest
		rail  int
		want  string
	}{
		{alone, 0, "10.77.0.1"},
		{alone, 1, "10.77.0.2"},
		{alone, 2, "10.77.1.1"},
		{alone, 3, "10.77.1.2"},
		{second, 0, "10.77.0.2"},
		{second, 1, "10.77.1.2"},
	} {
		wire, h := c.guest.Endpoint(c.rail)
		if got := wire.IPv4(h); got != c.want {
			t.Errorf("rail %d of %d nodes: got %s, want %s", c.rail, c.guest.Nodes, got, c.want)
		}
	}
}

func TestHosts(t *testing.T) {
	want := "127.0.0.1 localhost\n::1 localhost ip6-localhost\n" +
		"10.78.0.1 node1-mgmt\n10.77.0.1 node1 node1-rail0\n" +
		"10.78.0.2 node2-mgmt\n10.77.0.2 node2 node2-rail0\n"
	if got := (Guest{Node: 2, Nodes: 2, Rails: 1}).Hosts(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
