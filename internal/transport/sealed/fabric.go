package sealed

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"fmt"
	"math"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// KeySize is the length of a key, in bytes.
const KeySize = 32

// keyLabel is what TLS's exporter is asked for. Labels that are not registered begin with
// EXPERIMENTAL (RFC 5705, section 4).
const keyLabel = "EXPERIMENTAL rdmacp payload"

// Keyed returns a fabric that seals by a key of the connection whose exporter it is given.
func Keyed(inner transport.Fabric, exporter func(label string, n int) ([]byte, error)) (*Fabric, error) {
	key, err := exporter(keyLabel, KeySize)
	if err != nil {
		return nil, err
	}
	return New(inner, key)
}

// Fabric makes connections of another fabric whose payload is sealed. Both ends need one,
// with the same key, which must be no other connection's.
type Fabric struct {
	inner transport.Fabric
	aead  cipher.AEAD
}

var _ transport.Fabric = (*Fabric)(nil)

// New returns a fabric that seals by a key of KeySize bytes.
func New(inner transport.Fabric, key []byte) (*Fabric, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("sealed: a key of %d bytes, not %d", len(key), KeySize)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &Fabric{inner, aead}, nil
}

// PrepareLender makes the passive end of a connection.
func (f *Fabric) PrepareLender(ctx context.Context, s transport.Setup) (transport.Pending[transport.Lender], error) {
	p, err := f.inner.PrepareLender(ctx, inside(s))
	if err != nil {
		return nil, err
	}
	return pending[transport.Lender]{p, func(l transport.Lender) transport.Lender {
		return &lender{l, &box{aead: f.aead, setup: s, lent: true}}
	}}, nil
}

// PrepareDriver makes the active end of a connection.
func (f *Fabric) PrepareDriver(ctx context.Context, s transport.Setup) (transport.Pending[transport.Driver], error) {
	p, err := f.inner.PrepareDriver(ctx, inside(s))
	if err != nil {
		return nil, err
	}
	return pending[transport.Driver]{p, func(d transport.Driver) transport.Driver {
		return &driver{d, &box{aead: f.aead, setup: s}}
	}}, nil
}

// inside is the set-up of the connection that is sealed. Its digests would be those of
// what is sealed, and the tag says more.
func inside(s transport.Setup) transport.Setup {
	s.ChunkSize += overhead
	s.Unverified = true
	return s
}

// pending is an end whose chunks are by the overhead shorter than its messages.
type pending[T any] struct {
	transport.Pending[T]
	seal func(T) T
}

// Endpoint is what the peer has to know.
func (p pending[T]) Endpoint() transport.Endpoint {
	e := p.Pending.Endpoint()
	e.MaxMessage -= min(e.MaxMessage, overhead)
	return e
}

// Connect connects to the peer.
func (p pending[T]) Connect(ctx context.Context, peer transport.Endpoint) (end T, err error) {
	peer.MaxMessage = min(peer.MaxMessage, math.MaxUint32-overhead) + overhead
	if end, err = p.Pending.Connect(ctx, peer); err != nil {
		return end, err
	}
	return p.seal(end), nil
}
