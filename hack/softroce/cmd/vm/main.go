//go:build linux

// Command vm boots Soft-RoCE hosts in QEMU and runs a command in them. The same program is, inside of such a host,
// its PID 1, its agent, and the command "on".
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/rdmacp/rdmacp/hack/softroce/internal/guest"
	"github.com/rdmacp/rdmacp/hack/softroce/internal/host"
)

func main() {
	ctx := context.Background()
	switch role := filepath.Base(os.Args[0]); {
	case os.Getpid() == 1 && role == "init":
		guest.Init()
	case role == guest.AgentRole:
		if err := guest.Agent(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "softroce: agent:", err)
			os.Exit(1)
		}
	case role == "on":
		os.Exit(guest.On(ctx, os.Args[1:]))
	default:
		// QEMU is told to die with the thread that started it, so that has to be one that lasts.
		runtime.LockOSThread()
		os.Exit(host.Main(ctx, os.Args[1:]))
	}
}
