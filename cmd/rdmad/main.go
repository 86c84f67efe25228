// Command rdmad serves files to rdmacp.
package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/rdmacp/rdmacp/internal/confine"
	"github.com/rdmacp/rdmacp/internal/rdmad"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/rdma"
)

func main() {
	// The first signal ends ctx. From then on signals act as if nobody listened
	// to them: the second one ends the process.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	stdio := rdmad.IO{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	os.Exit(rdmad.Main(ctx, os.Args[1:], stdio, func(log *slog.Logger) transport.Fabric {
		return rdma.New(rdma.Config{Logger: log})
	}, confine.To))
}
