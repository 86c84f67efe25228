//go:build linux

package host

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/rdmacp/rdmacp/hack/softroce/internal/session"
)

// Signals by which a peer's command is asked to end, and how long each has.
var peerEnd = []struct {
	signal syscall.Signal
	grace  time.Duration
}{{syscall.SIGTERM, 3 * time.Second}, {syscall.SIGKILL, time.Second}}

// peers are the commands that run on the nodes other than the first.
type peers struct {
	running  map[*boot]chan struct{} // closed at the command's end
	stopping atomic.Bool
}

// startPeers starts the peers' command and, with --peer-port, waits until each peer listens there.
func (t *testbed) startPeers(out *output) (*peers, error) {
	p := &peers{running: map[*boot]chan struct{}{}}
	for _, n := range t.nodes[1:] {
		if t.o.PeerCommand != "" {
			ended := make(chan struct{})
			b := n.current()
			p.running[b] = ended
			go func() {
				defer close(ended)
				p.run(b, t.command([]string{"sh", "-c", t.o.PeerCommand}), out.of(n.name))
			}()
		}
	}
	for _, n := range t.nodes[1:] {
		if t.o.PeerPort != 0 {
			if err := t.awaitPort(n, p.running[n.current()]); err != nil {
				return nil, err
			}
		}
	}
	return p, nil
}

// run runs a peer's command and reports an end that nobody asked for, unless it was a good one.
func (p *peers) run(b *boot, command session.Command, stdio session.Stdio) {
	result, err := session.Run(b.conn, command, stdio)
	switch {
	case p.stopping.Load():
	case err != nil && b.hasExited() && b.cut:
		fmt.Fprintf(os.Stderr, "vm: %s: the peer command ended with the power of its host\n", b.name)
	case err != nil:
		fmt.Fprintln(os.Stderr, "vm:", b.explain(err))
	case result.Code != 0:
		fmt.Fprintf(os.Stderr, "vm: %s: the peer command ended with exit status %d %s\n", b.name, result.Code, result.Error)
	}
}

// awaitPort waits until a peer listens on --peer-port. It is the first node that asks, over the management wire: the
// peer's own session is taken by its command, and a connection as a test would be one too many for some servers.
func (t *testbed) awaitPort(n *node, ended <-chan struct{}) error {
	ask := t.command([]string{"on", n.name, "ss", "-Hltn", fmt.Sprintf("sport = :%d", t.o.PeerPort)})
	first := t.nodes[0].current()
	for {
		var listening, complaint bytes.Buffer
		result, err := session.Run(first.conn, ask, session.Stdio{Stdout: &listening, Stderr: &complaint})
		switch {
		case err != nil:
			return first.explain(err)
		case result.Code != 0:
			return fmt.Errorf("%s: ask for port %d: %s%s", n.name, t.o.PeerPort, result.Error, complaint.String())
		case listening.Len() > 0:
			return nil
		}
		select {
		case <-ended:
			return fmt.Errorf("%s: the peer command ended before it listened on port %d", n.name, t.o.PeerPort)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// stop ends the peers' commands.
func (p *peers) stop() {
	p.stopping.Store(true)
	for _, end := range peerEnd {
		for b := range p.running {
			_ = b.conn.SendSignal(end.signal) // ignored there once the command has ended
		}
		deadline, stop := context.WithTimeout(context.Background(), end.grace)
		for b, ended := range p.running {
			select {
			case <-ended:
				delete(p.running, b)
			case <-deadline.Done():
			}
		}
		stop()
	}
}
