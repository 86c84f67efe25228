// Command rdmacp copies files between hosts by RDMA.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/rdmacp/rdmacp/internal/rdmacp"
	"github.com/rdmacp/rdmacp/internal/transport/rdma"
)

func main() {
	// Who reads what we write may leave: that is an error of writing, which says
	// what failed and has its exit code, and not our death.
	signal.Ignore(syscall.SIGPIPE)
	stdio := rdmacp.IO{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	os.Exit(rdmacp.Main(rdmacp.UntilSignalled(context.Background()), os.Args[1:], stdio, rdma.New(rdma.Config{})))
}
