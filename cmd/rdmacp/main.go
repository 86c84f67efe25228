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
	// The first signal ends ctx. From then on signals act as if nobody listened
	// to them: the second one ends the process.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	// Who reads what we write may leave: that is an error of writing, which says
	// what failed and has its exit code, and not our death.
	signal.Ignore(syscall.SIGPIPE)
	stdio := rdmacp.IO{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	os.Exit(rdmacp.Main(ctx, os.Args[1:], stdio, rdma.New(rdma.Config{})))
}
