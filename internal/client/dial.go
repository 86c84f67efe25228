package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/mtls"
	"github.com/rdmacp/rdmacp/internal/wire"
)

// The keepalive notices a dead host below the pulse of the session's stream.
const (
	keepaliveTime    = 10 * time.Second
	keepaliveTimeout = 3 * time.Second
)

// dial connects to the daemon. The TCP connection is made here, not by gRPC,
// for its plain errors, its addresses, and since a session never reconnects.
func dial(ctx context.Context, o Options) (net.Conn, *grpc.ClientConn, error) {
	network, address := "tcp", o.Address
	if path, ok := strings.CutPrefix(o.Address, "unix:"); ok {
		network, address = "unix", path
	}
	raw, err := o.dialer().DialContext(ctx, network, address)
	if err != nil {
		return nil, nil, unreachable(ctx, o, err)
	}
	if o.secured() {
		if raw, err = o.prove(ctx, raw); err != nil {
			return nil, nil, err
		}
	} else {
		raw = &plain{Conn: raw}
	}
	once := make(chan net.Conn, 1)
	once <- raw
	// The host's name is no part of the target: not every one can stand in a URL.
	conn, err := grpc.NewClient("passthrough:///rdmad",
		grpc.WithTransportCredentials(mtls.Credentials()),
		grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) {
			select {
			case c := <-once:
				return c, nil
			default:
				return nil, errors.New("the connection was lost")
			}
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: keepaliveTime, Timeout: keepaliveTimeout}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(wire.MaxMessage)),
		grpc.WithDisableRetry(),
		grpc.WithNoProxy(),
	)
	if err != nil {
		return nil, nil, errors.Join(fault.New(fault.Internal, "connecting to "+o.Address, err, ""), raw.Close())
	}
	return raw, conn, nil
}

// dialer makes the connections that o asks for.
func (o Options) dialer() *net.Dialer {
	d := &net.Dialer{}
	if o.Narrow {
		d.Control = narrow
	}
	return d
}

// noAnswer is the fault of a daemon that does not answer in time.
func noAnswer(o Options) *fault.Error {
	return at(o.Host, fault.New(fault.ConnectTimeout, "connecting to "+o.Address, fmt.Errorf("no answer within %v", o.ConnectTimeout),
		"see that the host is up, that rdmad runs on it, and that no firewall drops its TCP port"))
}

// noSession is the fault of a host that takes the connection, but opens no
// session in time.
func noSession(o Options) *fault.Error {
	return at(o.Host, fault.New(fault.ConnectTimeout, "opening a session with "+o.Address,
		fmt.Errorf("the connection is there, but no session within %v", o.ConnectTimeout),
		"see that it is rdmad that listens there, and what its log says; a host that is busy may need a longer --connect-timeout"))
}

// unreachable explains a failed dial.
func unreachable(ctx context.Context, o Options, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return toFault(ctx, cause, o.Host)
	}
	f := at(o.Host, fault.New(fault.Unreachable, "connecting to "+o.Address, err, "see that the host is up and that its address is right"))
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		f.Why = fmt.Errorf("the name %q cannot be resolved", dns.Name)
		f.Fix = "see that the name is right, or use an address"
	case errors.Is(err, syscall.ECONNREFUSED):
		f.Why = errors.New("connection refused: nothing listens there")
		f.Fix = "start rdmad on the host, and see that it listens on this address and port (--listen); --port names another"
	case errors.Is(err, os.ErrNotExist):
		f.Why = errors.New("there is no such socket")
		f.Fix = "start rdmad with --listen " + o.Address
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, syscall.ETIMEDOUT):
		return noAnswer(o)
	}
	return f
}
