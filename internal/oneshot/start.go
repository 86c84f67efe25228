package oneshot

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os/exec"
	"path"
	"strconv"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/mtls"
)

// Command says how an rdmad is started on another host.
type Command struct {
	Shell   []string  // the remote shell and its arguments: ssh
	Login   string    // host, or user@host, as the remote shell wants it
	Host    string    // the same for messages
	Program string    // what that host's shell runs: rdmad
	Version string    // of this end
	Stderr  io.Writer // where what both write goes
	Logger  *slog.Logger
}

// Remote is an rdmad on another host that serves this process only.
type Remote struct {
	Address string      // host:port
	Home    string      // where its relative names start
	TLS     *mtls.Store // proves to it who this end is, and the other way around

	command *exec.Cmd
	stdin   io.Closer
	ended   chan struct{} // closed once the remote shell has ended
	err     error         // how; to be read once it has
}

// endLimit is how long the other end may take to end once its pipe is closed: longer
// than it waits for a session that runs.
const endLimit = 15 * time.Second

// Start starts it and waits until it listens. The remote shell may ask the user for a
// password meanwhile, so that nothing but ctx ends the wait.
func Start(ctx context.Context, c Command) (*Remote, error) {
	own, err := newIdentity("rdmacp", "")
	if err != nil {
		return nil, err
	}
	args := append(append([]string{}, c.Shell[1:]...), c.Login, c.Program+" one-shot")
	// Not of ctx: what it has under way is to be ended in order when ctx ends.
	command := exec.Command(c.Shell[0], args...) //nolint:noctx // see above
	command.Stderr = c.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, c.fault(err, "install OpenSSH's client, or name another remote shell with --rsh")
	}
	r := &Remote{command: command, stdin: in, ended: make(chan struct{})}
	answers := make(chan said, 1)
	go r.attend(out, answers)
	// If that fails the shell has ended, and how it has ended says more.
	_ = write(in, "", hello{Format: format, Version: c.Version, Host: c.Host, Certificate: own.Certificate[0]})
	select {
	case a := <-answers:
		if err := r.accept(a, own, c); err != nil {
			_ = r.Close()
			return nil, err
		}
		return r, nil
	case <-r.ended:
		return nil, c.explain(r.err)
	case <-ctx.Done():
		_ = r.Close()
		return nil, context.Cause(ctx)
	}
}

// said is what came out of the pipe.
type said struct {
	answer answer
	err    error
}

// attend takes what comes out of the pipe until the remote shell ends.
func (r *Remote) attend(out io.Reader, answers chan<- said) {
	var s said
	if s.err = read(out, mark, &s.answer); !errors.Is(s.err, io.EOF) {
		answers <- s
	}
	_, _ = io.Copy(io.Discard, out) // nobody waits for anything more
	r.err = r.command.Wait()
	close(r.ended)
}

// accept takes the answer for what it is.
func (r *Remote) accept(s said, own tls.Certificate, c Command) error {
	if s.err != nil {
		return &fault.Error{Code: fault.Version, Host: c.Host, What: "starting " + c.Program, Why: s.err, Fix: "install the same release on both hosts"}
	}
	peer, err := certificate(s.answer.Certificate)
	switch {
	case err != nil:
	case s.answer.Port == 0:
		err = errors.New("it says no port")
	case !path.IsAbs(s.answer.Home):
		err = fmt.Errorf("it says that its home is %.64q", s.answer.Home)
	}
	if err != nil {
		return &fault.Error{Code: fault.Protocol, Host: c.Host, What: "starting " + c.Program, Why: err, Fix: "see that it is rdmad that " + c.Program + " starts there"}
	}
	r.Address = net.JoinHostPort(cmp.Or(s.answer.Address, c.Host), strconv.Itoa(int(s.answer.Port)))
	r.Home, r.TLS = s.answer.Home, mtls.Pinned(own, c.Logger, peer)
	return nil
}

// Alive reports whether the other end may still be there.
func (r *Remote) Alive() bool {
	select {
	case <-r.ended:
		return false
	default:
		return true
	}
}

// Close lets the other end go, and waits until it has gone.
func (r *Remote) Close() error {
	_ = r.stdin.Close() // it may be gone already
	select {
	case <-r.ended:
	case <-time.After(endLimit):
		_ = r.command.Process.Kill() // a shell that hangs: its host sees the pipe close
		<-r.ended
	}
	return nil
}
