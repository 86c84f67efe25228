package rdmad

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// socketMode lets the daemon's user and group use a unix socket, and nobody else.
const socketMode = 0o660

// resolveLimit bounds the wait for the address of a name.
const resolveLimit = 5 * time.Second

// address is what the daemon is to listen on.
type address struct {
	text string // as it was written
	unix string // path of a unix socket; empty for TCP
	host string // empty for every address of this host
	port uint16
}

// parseListen reads the addresses.
func parseListen(texts []string) ([]address, error) {
	if len(texts) == 0 {
		return nil, badValue(keyListen, "[]", "there is no address", "give host:port or unix:/path")
	}
	list := make([]address, 0, len(texts))
	for _, text := range texts {
		a := address{text: text}
		if path, ok := strings.CutPrefix(text, "unix:"); ok {
			if path == "" {
				return nil, badValue(keyListen, text, "the path of the socket is missing", "give unix:/path")
			}
			a.unix = path
			list = append(list, a)
			continue
		}
		host, port, err := net.SplitHostPort(text)
		if err != nil {
			return nil, badValue(keyListen, text, err.Error(), "give host:port, [v6]:port or unix:/path")
		}
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return nil, badValue(keyListen, text, fmt.Sprintf("%q is not a port", port), "give a number from 1 to 65535, or 0 for any that is free")
		}
		a.host, a.port = host, uint16(n)
		list = append(list, a)
	}
	return list, nil
}

// open listens on an address; beyond this host only where that is said.
func (a address) open(ctx context.Context, beyond bool) (net.Listener, error) {
	if a.unix != "" {
		return a.openUnix(ctx)
	}
	ip, err := a.resolve(ctx)
	if err != nil {
		return nil, a.failed(err, "see that the name is right, or give an address")
	}
	if !ip.IsLoopback() && !beyond {
		return nil, unproven(a.text, "127.0.0.1:"+strconv.Itoa(int(a.port)))
	}
	// What was checked is listened on, not the name once more.
	host := ""
	if ip.IsValid() {
		host = ip.String()
	}
	var lc net.ListenConfig
	lis, err := lc.Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(int(a.port))))
	return lis, a.explain(err)
}

// unproven is the fault of an address that others can reach, where nobody proves who they are.
func unproven(text, loopback string) error {
	return fault.New(fault.Usage, "listening on "+text,
		errors.New("without TLS whoever reaches the port could read and write the exports"),
		"give it a certificate (--tls-cert, --tls-key, --tls-ca; rdmad pki makes them), listen on loopback ("+loopback+") or on a unix socket (unix:/run/rdmad.sock), or give --insecure on a network that you trust")
}

// resolve returns the address to bind; not a valid one for every address of this
// host.
func (a address) resolve(ctx context.Context) (netip.Addr, error) {
	if a.host == "" {
		return netip.Addr{}, nil
	}
	if ip, err := netip.ParseAddr(a.host); err == nil {
		return ip.Unmap(), nil
	}
	ctx, cancel := context.WithTimeout(ctx, resolveLimit)
	defer cancel()
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", a.host)
	if err != nil {
		return netip.Addr{}, err
	}
	// As package net does it: IPv4 first, where there is a choice.
	for _, ip := range ips {
		if ip.Unmap().Is4() {
			return ip.Unmap(), nil
		}
	}
	return ips[0], nil
}

// openUnix listens on a unix socket. One that a daemon left behind when it was
// killed is taken away first.
func (a address) openUnix(ctx context.Context) (net.Listener, error) {
	var d net.Dialer
	if c, err := d.DialContext(ctx, "unix", a.unix); err == nil {
		_ = c.Close()
		return nil, a.explain(syscall.EADDRINUSE)
	} else if info, _ := os.Lstat(a.unix); errors.Is(err, syscall.ECONNREFUSED) && info != nil && info.Mode().Type() == os.ModeSocket {
		_ = os.Remove(a.unix) // if it stays, Listen says so
	}
	var lc net.ListenConfig
	lis, err := lc.Listen(ctx, "unix", a.unix)
	if err != nil {
		return nil, a.explain(err)
	}
	if err := os.Chmod(a.unix, socketMode); err != nil {
		return nil, errors.Join(a.explain(err), lis.Close())
	}
	return lis, nil
}

// explain makes a fault of what listening failed with.
func (a address) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EADDRINUSE):
		return a.failed(errors.New("the address is in use"),
			"another rdmad or another program listens there (ss -lntxp shows which): stop it, or give another --listen")
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return a.failed(errors.New("this host has no such address"), "ip address shows those that it has")
	case errors.Is(err, os.ErrPermission):
		return a.failed(err, "give a port above 1023 or a directory that rdmad may write to, or run it as a user who may")
	}
	return a.failed(err, "give another --listen")
}

// failed is the fault of an address that cannot be listened on.
func (a address) failed(why error, fix string) error {
	return fault.New(fault.Unreachable, "listening on "+a.text, why, fix)
}
