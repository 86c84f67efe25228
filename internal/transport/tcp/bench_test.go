//go:build linux

package tcp

import (
	"context"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// nowhere is a sink that forgets: what is left is the transport.
type nowhere struct{}

func (nowhere) WriteAt(b []byte, _ int64) (int, error) { return len(b), nil }

// BenchmarkPut moves a file of the page cache over loopback.
func BenchmarkPut(b *testing.B) {
	for _, unverified := range []bool{false, true} {
		for _, stored := range []bool{false, true} {
			b.Run(fmt.Sprintf("unverified=%v/stored=%v", unverified, stored), func(b *testing.B) { benchmarkPut(b, unverified, stored) })
		}
	}
}

func benchmarkPut(b *testing.B, unverified, stored bool) {
	b.Helper()
	const size, piece, workers = 256 << 20, 1 << 20, 16
	f, err := os.CreateTemp("/dev/shm", "source")
	if err != nil {
		b.Skip(err)
	}
	defer func() { _ = f.Close(); _ = os.Remove(f.Name()) }()
	for off := int64(0); off < size; off += piece {
		if _, err := f.WriteAt(noise(piece), off); err != nil {
			b.Fatal(err)
		}
	}
	var dst interface {
		WriteAt([]byte, int64) (int, error)
	} = nowhere{}
	if stored {
		to, err := os.CreateTemp("/dev/shm", "sink")
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = to.Close(); _ = os.Remove(to.Name()) }()
		dst = to
	}
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	fabric := New(Config{})
	lis := fabric.Listen(inner)
	defer func() { _ = lis.Close() }()
	s := transport.Setup{Direction: transport.Put, ChunkSize: piece, Slots: workers, Unverified: unverified}
	s.Dial = func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", inner.Addr().String())
	}
	pd, _ := fabric.PrepareDriver(b.Context(), s)
	pl, _ := fabric.PrepareLender(b.Context(), s)
	d, err := pd.Connect(b.Context(), pl.Endpoint())
	if err != nil {
		b.Fatal(err)
	}
	l, err := pl.Connect(b.Context(), pd.Endpoint())
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(size)
	b.ResetTimer()
	for range b.N {
		if t, ok := dst.(*os.File); ok {
			_ = t.Truncate(0)
		}
		var next atomic.Int64
		var all sync.WaitGroup
		for range workers {
			all.Go(func() {
				for {
					ext := transport.Extent{Off: next.Add(piece) - piece, Len: piece}
					if ext.Off >= size {
						return
					}
					loan, err := l.LendSource(b.Context(), paged{f}, ext)
					if err == nil {
						_, err = d.Pull(b.Context(), loan.Ticket(), dst, ext)
					}
					if err != nil {
						b.Error(err)
						return
					}
					loan.Return()
				}
			})
		}
		all.Wait()
	}
	b.StopTimer()
	_ = d.Close()
	_ = l.Close()
}
