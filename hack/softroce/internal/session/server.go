//go:build linux

package session

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

const (
	// drain is how long output that a command's children left behind is waited for after it ended.
	drain = 300 * time.Millisecond
	// grace is how long a command whose client went away has between SIGTERM and SIGKILL.
	grace = 2 * time.Second
	// inputQueue is how many frames of input may wait for a command that does not read.
	inputQueue = 1024
)

// Serve runs the commands that the other end of c asks for, one at a time, until the stream ends; then the command
// that still runs is ended, too. The dump function is called for a Dump frame.
func Serve(c *Conn, dump func()) error {
	var running *process
	defer func() {
		if running != nil {
			running.end()
		}
	}()
	for {
		kind, payload, err := c.Receive()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch {
		case kind == Dump:
			dump()
		case kind == Request:
			var cmd Command
			if err := json.Unmarshal(payload, &cmd); err != nil {
				return fmt.Errorf("bad request: %w", err)
			}
			running = start(c, cmd)
		case running == nil: // input or a signal for a command that never started
		case kind == Stdin && len(payload) == 0:
			running.closeInput()
		case kind == Stdin:
			running.queue(payload)
		case kind == Signal && len(payload) == 1:
			running.signal(syscall.Signal(payload[0]))
		}
	}
}

// process is a command that runs, as the leader of a process group.
type process struct {
	cmd    *exec.Cmd
	input  chan []byte
	closed sync.Once
	done   chan struct{}
}

// start starts a command and returns it; nil when it cannot be started, which the client has then been told.
func start(c *Conn, command Command) *process {
	if len(command.Args) == 0 {
		_ = c.SendJSON(Exit, Result{Code: 126, Error: "no command"})
		return nil
	}
	p := &process{input: make(chan []byte, inputQueue), done: make(chan struct{})}
	name, err := lookPath(command)
	if err == nil {
		p.cmd = &exec.Cmd{Path: name, Args: command.Args, Dir: command.Dir, Env: command.Env}
		p.cmd.Stdout, p.cmd.Stderr = sink{c, Stdout}, sink{c, Stderr}
		p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		p.cmd.WaitDelay = drain
		var in io.WriteCloser
		if in, err = p.cmd.StdinPipe(); err == nil {
			if err = p.cmd.Start(); err == nil {
				go p.feed(in)
				go p.wait(c)
				return p
			}
		}
	}
	code := 126
	if errors.Is(err, exec.ErrNotFound) {
		code = 127
	}
	_ = c.SendJSON(Exit, Result{Code: code, Error: err.Error()})
	return nil
}

// feed writes the queued input. A command that has closed its end just gets no more.
func (p *process) feed(in io.WriteCloser) {
	for data := range p.input {
		if _, err := in.Write(data); err != nil {
			break
		}
	}
	_ = in.Close()
}

func (p *process) queue(data []byte) {
	select {
	case p.input <- data:
	case <-p.done:
	}
}

func (p *process) closeInput() { p.closed.Do(func() { close(p.input) }) }

func (p *process) wait(c *Conn) {
	// The state says how it ended; Wait's error says the same, or that a child kept the output open.
	_ = p.cmd.Wait()
	close(p.done)
	code := p.cmd.ProcessState.ExitCode()
	if status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		code = 128 + int(status.Signal())
	}
	_ = c.SendJSON(Exit, Result{Code: code})
}

// signal signals the command and the children that stayed in its group.
func (p *process) signal(s syscall.Signal) { _ = syscall.Kill(-p.cmd.Process.Pid, s) }

// end stops the command, kindly first.
func (p *process) end() {
	p.signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(grace):
		p.signal(syscall.SIGKILL)
	}
}
