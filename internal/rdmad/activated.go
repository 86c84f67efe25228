package rdmad

import (
	"errors"
	"fmt"
	"net"

	"github.com/coreos/go-systemd/v22/activation"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// activated are the listeners that the service manager has opened for this process
// (sd_listen_fds(3)); where there are some, they are in the place of --listen.
func activated() ([]net.Listener, error) {
	all, err := activation.Listeners()
	for i, lis := range all {
		if lis == nil || lis.Addr().Network() != "tcp" && lis.Addr().Network() != "unix" {
			err = errors.Join(err, fault.New(fault.Usage, "taking the sockets that the service manager has opened",
				fmt.Errorf("the one with number %d is none to listen on", i), "give ListenStream= only in the socket unit, and Accept=no"))
		}
	}
	if err == nil {
		return all, nil
	}
	for _, lis := range all {
		if lis != nil {
			_ = lis.Close()
		}
	}
	return nil, err
}

// local reports whether a listener can be reached from this host only.
func local(lis net.Listener) bool {
	a, ok := lis.Addr().(*net.TCPAddr)
	return !ok || a.IP.IsLoopback()
}
