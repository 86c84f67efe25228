//go:build linux

package guest

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"

	"github.com/rdmacp/rdmacp/hack/softroce/internal/session"
	"github.com/rdmacp/rdmacp/hack/softroce/internal/spec"
)

// portFD is the descriptor by which the agent has the serial port from PID 1.
const portFD = 3

// Agent runs commands for the host, over the serial port, and for the other guests, over the management wire. It ends
// with the port.
func Agent(ctx context.Context) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", ":"+strconv.Itoa(spec.AgentPort))
	port := session.NewConn(os.NewFile(portFD, "port"))
	if err != nil {
		_ = port.Send(session.Failed, []byte(err.Error()))
		return err
	}
	go accept(listener)
	if err := port.Send(session.Ready, nil); err != nil {
		return err
	}
	return session.Serve(port, dumpTasks)
}

func accept(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			fmt.Println("softroce: agent:", err)
			return
		}
		go func() {
			defer func() { _ = conn.Close() }()
			if err := session.Serve(session.NewConn(conn), dumpTasks); err != nil {
				fmt.Println("softroce: agent:", err)
			}
		}()
	}
}

// dumpTasks prints which tasks are stuck in the kernel to the console, for the report of a hang.
func dumpTasks() {
	_ = os.WriteFile("/proc/sys/kernel/printk", []byte("7"), 0)
	_ = os.WriteFile("/proc/sysrq-trigger", []byte("w"), 0)
}
