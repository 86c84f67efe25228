//go:build linux

package session

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// Command is what to run.
type Command struct {
	Args []string `json:"args"`
	Dir  string   `json:"dir"`
	Env  []string `json:"env"`
}

// Result is how a command ended: its exit status as a shell would say it, and why when it never started.
type Result struct {
	Code  int    `json:"code"`
	Error string `json:"error,omitempty"`
}

// Stdio is a command's standard streams. A nil Stdin is an empty one.
type Stdio struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// Run has the other end of c run a command and returns how it ended. Input that the command leaves unread is lost.
func Run(c *Conn, cmd Command, stdio Stdio) (Result, error) {
	if err := c.SendJSON(Request, cmd); err != nil {
		return Result{}, err
	}
	go feed(c, stdio.Stdin)
	for {
		kind, payload, err := c.Receive()
		if errors.Is(err, io.EOF) {
			return Result{}, fmt.Errorf("%s: the connection ended before the command did", cmd.Args[0])
		}
		if err != nil {
			return Result{}, fmt.Errorf("%s: %w", cmd.Args[0], err)
		}
		if kind == Exit {
			var r Result
			if err := json.Unmarshal(payload, &r); err != nil {
				return Result{}, fmt.Errorf("%s: bad exit frame: %w", cmd.Args[0], err)
			}
			return r, nil
		}
		if err := stdio.write(kind, payload); err != nil {
			return Result{}, fmt.Errorf("%s: %w", cmd.Args[0], err)
		}
	}
}

// write writes a frame of output to where it belongs.
func (s Stdio) write(kind Kind, payload []byte) error {
	to := s.Stdout
	if kind == Stderr {
		to = s.Stderr
	} else if kind != Stdout {
		return fmt.Errorf("unexpected frame %q", byte(kind))
	}
	_, err := to.Write(payload)
	return err
}

// SendSignal passes a signal on to the command that c runs, if any.
func (c *Conn) SendSignal(s os.Signal) error {
	number, ok := s.(syscall.Signal)
	if !ok {
		return fmt.Errorf("send signal %v: not one of this system's", s)
	}
	return c.Send(Signal, []byte{byte(number)})
}

// feed sends in, and its end. Its errors show at the receiving side of the same connection.
func feed(c *Conn, in io.Reader) {
	if in != nil {
		_, _ = io.CopyBuffer(sink{c, Stdin}, struct{ io.Reader }{in}, make([]byte, 32<<10))
	}
	_ = c.Send(Stdin, nil)
}
