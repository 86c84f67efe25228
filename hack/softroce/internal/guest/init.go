//go:build linux

// Package guest is what runs inside a guest: PID 1, which makes the guest what its spec says; the agent, which runs
// commands for the host and for the other guests; and "on", the agent's client.
package guest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/rdmacp/rdmacp/hack/softroce/internal/session"
	"github.com/rdmacp/rdmacp/hack/softroce/internal/spec"
)

// AgentRole is the argument by which PID 1 starts its own program again as the agent.
const AgentRole = "agent"

// Init is the guest's PID 1. It never returns: what fails is told to the host, which ends the guest.
func Init() {
	// For the tools that set the guest up; commands bring a PATH of their own.
	_ = os.Setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
	port, err := openPort()
	if err != nil {
		// Without the port there is only the console; the panic that follows shows it to the host.
		fmt.Println("softroce: init:", err)
		os.Exit(1)
	}
	conn := session.NewConn(port)
	agent, err := setUp(conn, port)
	if err != nil {
		_ = conn.Send(session.Failed, []byte(err.Error()))
		select {}
	}
	reap(agent)
}

// setUp makes the guest what the host says and starts the agent, which then owns the port.
func setUp(conn *session.Conn, port *os.File) (*exec.Cmd, error) {
	kind, payload, err := conn.Receive()
	if err != nil {
		return nil, fmt.Errorf("receive the spec: %w", err)
	}
	if kind != session.Spec {
		return nil, fmt.Errorf("receive the spec: got a frame %q", byte(kind))
	}
	var g spec.Guest
	if err := json.Unmarshal(payload, &g); err != nil {
		return nil, fmt.Errorf("read the spec: %w", err)
	}
	for _, step := range []struct {
		name string
		do   func(spec.Guest) error
	}{
		{"load modules", loadModules},
		{"mount the root", mountRoot},
		{"set limits", setLimits},
		{"set up the network", setUpNetwork},
		{"mount the scratch disk", mountScratch},
		{"set up Soft-RoCE", setUpRXE},
	} {
		if err := step.do(g); err != nil {
			return nil, fmt.Errorf("%s: %w", step.name, err)
		}
	}
	agent := &exec.Cmd{Path: onPath, Args: []string{AgentRole}, ExtraFiles: []*os.File{port}}
	agent.Stdout, agent.Stderr = os.Stdout, os.Stderr
	if err := agent.Start(); err != nil {
		return nil, fmt.Errorf("start the agent: %w", err)
	}
	return agent, nil
}

// reap waits for whatever ends, as PID 1 must: an orphan that nobody waits for would look alive to kill -0. The
// guest ends, by a panic that shows on the console, with its agent.
func reap(agent *exec.Cmd) {
	for {
		pid, err := unix.Wait4(-1, nil, 0, nil)
		if err == nil && pid == agent.Process.Pid {
			fmt.Println("softroce: the agent ended")
			os.Exit(1)
		}
	}
}

// run runs a tool of the guest's root and makes its complaint the error's text.
func run(stdin string, args ...string) error {
	cmd := exec.CommandContext(context.Background(), args[0], args[1:]...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
