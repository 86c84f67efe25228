package tcp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// dial makes the connections that the driver waits for, all at once; or none.
func dial(ctx context.Context, open func(context.Context) (net.Conn, error), peer transport.Endpoint) ([]net.Conn, error) {
	if peer.Kind != transport.TCP || peer.Conns < 1 || peer.Conns > maxConns {
		return nil, fmt.Errorf("tcp: the peer awaits %d connections by %s", peer.Conns, peer.Kind)
	}
	conns, errs := make([]net.Conn, peer.Conns), make([]error, peer.Conns)
	var all sync.WaitGroup
	for i := range conns {
		all.Go(func() {
			defer fault.Caught(&errs[i], "making a connection for data")
			var c net.Conn
			if c, errs[i] = open(ctx); errs[i] == nil {
				conns[i], errs[i] = c, introduce(ctx, c, preface{peer.Token, uint16(i)})
			}
		})
	}
	all.Wait()
	for _, err := range errs {
		if err == nil {
			continue
		}
		for _, c := range conns {
			if c != nil {
				_ = c.Close()
			}
		}
		return nil, refused(ctx, err)
	}
	return conns, nil
}

// introduce says what a connection is for, and waits until that was heard.
func introduce(ctx context.Context, c net.Conn, p preface) error {
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := c.Write(p.bytes()); err != nil {
		return err
	}
	answer := make([]byte, len(magic))
	if _, err := io.ReadFull(c, answer); err != nil {
		return err
	}
	if string(answer) != magic {
		return errors.New("it answers something else")
	}
	if !stop() {
		return ctx.Err() // the deadline may be set
	}
	return nil
}

// refused explains why the connections cannot be made.
func refused(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return fault.New(fault.Path, "making the connections for data", err,
		"see what the daemon's log says at --log-level debug; what stands between the hosts has to let several connections pass")
}
