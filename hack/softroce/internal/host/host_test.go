//go:build linux

package host

import (
	"bytes"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	o, err := Parse([]string{"--nodes", "2", "--netem", "loss 1%", "--netem", "1:delay 5ms", "--", "ls", "--nodes"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"ls", "--nodes"}; !slices.Equal(o.Command, want) {
		t.Errorf("command: got %q, want %q", o.Command, want)
	}
	if o.Rails != 1 {
		t.Errorf("rails: got %d, want 1", o.Rails)
	}
	netem, err := o.netem(2)
	if err != nil || netem[0] != "loss 1%" || netem[1] != "delay 5ms" {
		t.Errorf("netem: got %q, %v", netem, err)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, args := range []string{
		"", "--nodes 2", "--nodes 10 -- true", "--rails 9 -- true", "--mtu 576 -- true", "--peer-port 1 -- true",
		"--netem x:loss -- true", "--no-such -- true",
	} {
		var says bytes.Buffer
		if _, err := Parse(strings.Fields(args), &says); err == nil || says.Len() == 0 {
			t.Errorf("%q: got %v, said %q", args, err, says.String())
		}
	}
}

func TestEnvironment(t *testing.T) {
	own := []string{"PATH=/bin:/opt/bin", "HOME=/h", "RDMACP_X=1", "GORACE=halt", "SECRET=1", "RDMA_TEST=off"}
	got := environment(own, []string{"A=b"})
	want := []string{
		"A=b", "GORACE=halt", "HOME=/h", "PATH=/bin:/opt/bin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin",
		"RDMACP_X=1", "RDMA_TEST=off", "TMPDIR=/tmp",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func TestOutput(t *testing.T) {
	var stdout bytes.Buffer
	out := newOutput(&stdout, io.Discard, true)
	first, second := out.of("node1").Stdout, out.of("node2").Stdout
	for _, write := range []struct {
		w    io.Writer
		text string
	}{{first, "a"}, {second, "b\nc"}, {first, "d\n"}} {
		if _, err := io.WriteString(write.w, write.text); err != nil {
			t.Fatal(err)
		}
	}
	out.flush()
	if want := "node2| b\nnode1| ad\nnode2| c\n"; stdout.String() != want {
		t.Errorf("got %q, want %q", stdout.String(), want)
	}
}

func TestHubLearns(t *testing.T) {
	h := &hub{known: map[[6]byte]*hubEnd{}}
	ends := []*hubEnd{{spoken: true}, {spoken: true}, {spoken: true}, {}}
	h.ends = ends
	frame := func(to, from byte) []byte { return []byte{to, 0, 0, 0, 0, 0, from, 0, 0, 0, 0, 0, 8, 0} }
	if got := h.route(ends[0], frame(2, 1)); !slices.Equal(got, ends[1:3]) {
		t.Errorf("to an unknown address: got %d ends, want both others that have spoken", len(got))
	}
	if got := h.route(ends[1], frame(1, 2)); !slices.Equal(got, ends[:1]) {
		t.Errorf("to a known address: got %d ends, want the one", len(got))
	}
}

func TestTail(t *testing.T) {
	if got := string(tail([]byte("a\r\nb\r\nc\r\n\r\n"), 2)); got != "b\nc" {
		t.Errorf("got %q", got)
	}
}

func TestHidden(t *testing.T) {
	dir := t.TempDir()
	got := hidden([]string{dir, "/etc/hosts", "/tmp/no/such", "/run/../etc"})
	if strings.HasPrefix(dir, "/tmp/") && !slices.Equal(got, []string{dir}) {
		t.Errorf("got %q, want %q", got, dir)
	}
}

// TestDrain has nobody wait for a guest that is off.
func TestDrain(t *testing.T) {
	w, err := newWire()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	drained, err := drain(w[1])
	if err != nil {
		t.Fatal(err)
	}
	from, err := net.FileConn(w[0])
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = from.Close() }()
	_ = from.SetWriteDeadline(time.Now().Add(10 * time.Second))
	for n := range 1000 { // more than the socket holds
		if _, err := from.Write(make([]byte, 9000)); err != nil {
			t.Fatalf("frame %d: %v", n, err)
		}
	}
	if err := drained.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := from.Write([]byte("for the guest")); err != nil {
		t.Fatal(err)
	}
	to, err := net.FileConn(w[1])
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = to.Close() }()
	_ = to.SetReadDeadline(time.Now().Add(10 * time.Second))
	for got := make([]byte, 9000); ; {
		n, err := to.Read(got)
		if err != nil {
			t.Fatal(err)
		}
		if string(got[:n]) == "for the guest" {
			return
		}
	}
}
