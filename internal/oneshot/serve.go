package oneshot

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"

	"github.com/rdmacp/rdmacp/internal/mtls"
)

// Greeting is rdmad's end, once rdmacp has said who it is.
type Greeting struct {
	hello hello
	store *mtls.Store
	own   []byte
	host  string // address to listen on and to be reached by; empty: any
}

// Greet reads what rdmacp says. Connection is what sshd tells about itself,
// SSH_CONNECTION (ssh(1)): the address by which the client has come is the one to be
// reached by.
func Greet(in io.Reader, connection string, log *slog.Logger) (*Greeting, error) {
	g := &Greeting{}
	if err := read(in, "", &g.hello); err != nil {
		return nil, fmt.Errorf("waiting for rdmacp to say who it is: %w", err)
	}
	peer, err := certificate(g.hello.Certificate)
	if err != nil {
		return nil, err
	}
	name := g.hello.Host
	if f := strings.Fields(connection); len(f) == 4 && net.ParseIP(f[2]) != nil {
		g.host, name = f[2], f[2]
	}
	own, err := newIdentity("rdmad", name)
	if err != nil {
		return nil, err
	}
	g.own, g.store = own.Certificate[0], mtls.Pinned(own, log, peer)
	return g, nil
}

// Listen opens the listener that rdmacp, and nobody else, gets through.
func (g *Greeting) Listen(ctx context.Context) (net.Listener, error) {
	var lc net.ListenConfig
	lis, err := lc.Listen(ctx, "tcp", net.JoinHostPort(g.host, "0"))
	if err != nil {
		return nil, err
	}
	return g.store.Listen(lis), nil
}

// Answer tells rdmacp where it is listened, and where relative names start.
func (g *Greeting) Answer(out io.Writer, lis net.Addr, home, version string) error {
	at, ok := lis.(*net.TCPAddr)
	if !ok {
		return fmt.Errorf("%v is no address of TCP", lis)
	}
	return write(out, mark, answer{
		Format: format, Version: version, Address: g.host, Port: at.AddrPort().Port(), Home: home, Certificate: g.own,
	})
}
