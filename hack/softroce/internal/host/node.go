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
	name   string
	qemu   *exec.Cmd
	stderr bytes.Buffer // QEMU's own
	exited chan struct{}
	stream net.Conn
	conn   *session.Conn
}

// start starts the node's QEMU and, once it has connected, tells the guest what to be.
func (n *node) start(ctx context.Context, g spec.Guest) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "unix", n.portSocket())
	if err != nil {
		return fmt.Errorf("%s: %w", n.name, err)
	}
	defer func() { _ = listener.Close() }()
	// When the time is over, the guest is to be asked what it is at before it is killed.
	n.qemu = exec.CommandContext(context.WithoutCancel(ctx), "qemu-system-x86_64", n.args()...)
	n.qemu.Stderr = &n.stderr
	n.qemu.SysProcAttr = &syscall.SysProcAttr{
		Setpgid:   true,            // a terminal's Ctrl-C is for vm alone
		Pdeathsig: syscall.SIGKILL, // and nothing is left even if vm itself is killed
	}
	if err := n.qemu.Start(); err != nil {
		return fmt.Errorf("%s: start QEMU: %w: run hack/deps vm", n.name, err)
	}
	n.exited = make(chan struct{})
	go func() {
		_ = n.qemu.Wait() // what matters is that it ended
		close(n.exited)
		_ = listener.Close()
	}()
	if n.stream, err = listener.Accept(); err != nil {
		<-n.exited
		return fmt.Errorf("%s: %w: QEMU did not start: %s", n.name, errDied, bytes.TrimSpace(n.stderr.Bytes()))
	}
	n.conn = session.NewConn(n.stream)
	if err := n.conn.SendJSON(session.Spec, g); err != nil {
		return n.explain(fmt.Errorf("%w: %w", errDied, err))
	}
	return nil
}

// errDied is the end of a guest that never took a command.
var errDied = errors.New("died while booting")

// awaitReady waits until the guest takes commands.
func (n *node) awaitReady() error {
	if n.options.accel == kvm {
		_ = n.stream.SetReadDeadline(time.Now().Add(kvmBoot))
	}
	kind, payload, err := n.conn.Receive()
	_ = n.stream.SetReadDeadline(time.Time{})
	switch {
	case err != nil:
		return n.explain(fmt.Errorf("%w: %w", errDied, err))
	case kind == session.Failed:
		return fmt.Errorf("%s: the guest could not be set up: %s", n.name, payload)
	case kind != session.Ready:
		return fmt.Errorf("%s: unexpected frame %q while booting", n.name, byte(kind))
	}
	return nil
}

// explain adds what is known about a guest that failed: what QEMU said, and the end of the console.
func (n *node) explain(err error) error {
	state := "the guest failed"
	select {
	case <-n.exited:
		state = "the guest went away"
	case <-time.After(time.Second):
	}
	return fmt.Errorf("%s: %s: %w\n%slast of its console:\n%s", n.name, state, err, n.stderr.Bytes(), n.consoleTail())
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

// kill ends the node's QEMU. Nothing in the guest is worth a shutdown: what has to stay is on the host already.
func (n *node) kill() {
	if n.qemu == nil || n.qemu.Process == nil {
		return
	}
	if err := n.qemu.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		fmt.Fprintf(os.Stderr, "vm: %s: kill QEMU, process %d: %v\n", n.name, n.qemu.Process.Pid, err)
		return
	}
	<-n.exited
	if n.stream != nil {
		_ = n.stream.Close()
	}
}

// debugHang has the command print its stacks, as Go's programs do, and the kernel its tasks.
func (n *node) debugHang() {
	if n.conn == nil {
		return
	}
	_ = n.conn.SendSignal(syscall.SIGQUIT)
	_ = n.conn.Send(session.Dump, nil)
}
