//go:build linux

package guest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/rdmacp/rdmacp/hack/softroce/internal/session"
	"github.com/rdmacp/rdmacp/hack/softroce/internal/spec"
)

// on's own exit status, when the command's cannot be had.
const onFailed = 125

// On is the command "on NODE COMMAND [ARG...]": it runs a command in another guest, with this process's folder,
// environment and standard streams, and returns its exit status.
func On(ctx context.Context, args []string) int {
	if len(args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: on NODE COMMAND [ARG...]\nruns a command on another guest, such as: on node2 rdma link")
		return onFailed
	}
	result, err := runOn(ctx, args[0], args[1:])
	if err != nil {
		fmt.Fprintf(os.Stderr, "on %s: %v\n", args[0], err)
		return onFailed
	}
	if result.Error != "" {
		fmt.Fprintf(os.Stderr, "on %s: %s\n", args[0], result.Error)
	}
	return result.Code
}

func runOn(ctx context.Context, name string, args []string) (session.Result, error) {
	node, err := strconv.Atoi(strings.TrimPrefix(name, spec.NodeName(0)[:len("node")]))
	if err != nil {
		return session.Result{}, errors.New("not a node: they are node1, node2 and so on")
	}
	dir, err := os.Getwd()
	if err != nil {
		return session.Result{}, err
	}
	var dialer net.Dialer
	stream, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(spec.Management(node), strconv.Itoa(spec.AgentPort)))
	if err != nil {
		return session.Result{}, err
	}
	defer func() { _ = stream.Close() }()
	conn := session.NewConn(stream)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		for s := range signals {
			_ = conn.SendSignal(s)
		}
	}()
	return session.Run(conn, session.Command{Args: args, Dir: dir, Env: os.Environ()},
		session.Stdio{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr})
}
