//go:build linux

package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/rdmacp/rdmacp/hack/softroce/internal/session"
	"github.com/rdmacp/rdmacp/hack/softroce/internal/spec"
)

// consoleLines is how many lines of a console are worth showing.
const consoleLines = 40

// node is a guest that runs, or is about to.
type node struct {
	machine
	name  string
	guest spec.Guest
	ends  []*os.File // of its wires; none where there are hubs

	mu   sync.Mutex
	now  *boot // nil before the first
	over bool  // it is not booted any more
}

// boot is a node from when it is switched on until it is off.
type boot struct {
	*node
	qemu   *exec.Cmd
	stderr bytes.Buffer // QEMU's own
	exited chan struct{}
	cut    bool // by a power cut; known once exited is closed
	stream net.Conn
	conn   *session.Conn
}

// current returns the boot that the node is in.
func (n *node) current() *boot {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.now
}

// start starts the node's QEMU and, once it has connected, tells the guest what to be.
func (n *node) start(ctx context.Context) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "unix", n.portSocket())
	if err != nil {
		return fmt.Errorf("%s: %w", n.name, err)
	}
	defer func() { _ = listener.Close() }()
	b, err := n.switchOn(ctx)
	if err != nil {
		return err
	}
	go func() {
		_ = b.qemu.Wait() // what matters is that it ended
		b.cut = os.Remove(n.cutMark()) == nil
		close(b.exited)
		_ = listener.Close()
	}()
	stream, err := listener.Accept()
	if err != nil {
		<-b.exited
		return fmt.Errorf("%s: %w: QEMU did not start: %s", n.name, errDied, bytes.TrimSpace(b.stderr.Bytes()))
	}
	n.mu.Lock()
	b.stream, b.conn = stream, session.NewConn(stream)
	n.mu.Unlock()
	if err := b.conn.SendJSON(session.Spec, n.guest); err != nil {
		return b.explain(fmt.Errorf("%w: %w", errDied, err))
	}
	return nil
}

// switchOn starts the node's QEMU, unless the run is over.
func (n *node) switchOn(ctx context.Context) (*boot, error) {
	// When the time is over, the guest is to be asked what it is at before it is killed.
	b := &boot{node: n, qemu: exec.CommandContext(context.WithoutCancel(ctx), "qemu-system-x86_64", n.args()...), exited: make(chan struct{})}
	b.qemu.Stderr = &b.stderr
	b.qemu.ExtraFiles = n.ends
	b.qemu.SysProcAttr = &syscall.SysProcAttr{
		Setpgid:   true,            // a terminal's Ctrl-C is for vm alone
		Pdeathsig: syscall.SIGKILL, // and nothing is left even if vm itself is killed
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.over {
		return nil, errOver
	}
	if err := b.qemu.Start(); err != nil {
		return nil, fmt.Errorf("%s: start QEMU: %w: run hack/deps vm", n.name, err)
	}
	n.now = b
	return b, nil
}

// errOver is why a node is not booted once its run has ended.
var errOver = errors.New("the run is over")

// errDied is the end of a guest that never took a command.
var errDied = errors.New("died while booting")

// awaitReady waits until the guest takes commands.
func (n *node) awaitReady() error {
	b := n.current()
	if n.options.accel == kvm {
		_ = b.stream.SetReadDeadline(time.Now().Add(kvmBoot))
	}
	kind, payload, err := b.conn.Receive()
	_ = b.stream.SetReadDeadline(time.Time{})
	switch {
	case err != nil:
		return b.explain(fmt.Errorf("%w: %w", errDied, err))
	case kind == session.Failed:
		return fmt.Errorf("%s: the guest could not be set up: %s", n.name, payload)
	case kind != session.Ready:
		return fmt.Errorf("%s: unexpected frame %q while booting", n.name, byte(kind))
	}
	return nil
}

// explain adds what is known about a guest that failed: what QEMU said, and the end of the console.
func (b *boot) explain(err error) error {
	state := "the guest failed"
	if b.hasExited() {
		state = "the guest went away"
	}
	return fmt.Errorf("%s: %s: %w\n%slast of its console:\n%s", b.name, state, err, b.stderr.Bytes(), b.consoleTail())
}

// hasExited reports whether QEMU has ended, or does so just now.
func (b *boot) hasExited() bool {
	select {
	case <-b.exited:
		return true
	case <-time.After(time.Second):
		return false
	}
}

// consoleTail returns the last lines of the console.
func (n *node) consoleTail() []byte {
	console, err := os.ReadFile(n.consoleFile())
	if err != nil {
		return []byte(err.Error())
	}
	return tail(console, consoleLines)
}

// tail returns the last lines of text.
func tail(text []byte, lines int) []byte {
	text = bytes.TrimSpace(bytes.ReplaceAll(text, []byte("\r"), nil))
	all := bytes.Split(text, []byte("\n"))
	return bytes.Join(all[max(0, len(all)-lines):], []byte("\n"))
}

// kill ends the node's QEMU, for good. Nothing in the guest is worth a shutdown: what has to stay is on the host already.
func (n *node) kill() {
	n.mu.Lock()
	n.over = true
	b := n.now
	n.mu.Unlock()
	if b == nil {
		return
	}
	if err := b.qemu.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		fmt.Fprintf(os.Stderr, "vm: %s: kill QEMU, process %d: %v\n", n.name, b.qemu.Process.Pid, err)
		return
	}
	<-b.exited
	n.mu.Lock()
	defer n.mu.Unlock()
	if b.stream != nil {
		_ = b.stream.Close()
	}
}

// debugHang has the command print its stacks, as Go's programs do, and the kernel its tasks.
func (n *node) debugHang() {
	n.mu.Lock()
	var conn *session.Conn
	if n.now != nil {
		conn = n.now.conn
	}
	n.mu.Unlock()
	if conn == nil {
		return
	}
	_ = conn.SendSignal(syscall.SIGQUIT)
	_ = conn.Send(session.Dump, nil)
}
