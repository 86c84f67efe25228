package tcp

import (
	"os"
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// Nothing that was lent, pulled or given up keeps a descriptor.
func TestDescriptors(t *testing.T) { //nolint:paralleltest // it counts those of the process
	h := newHost(t, nil)
	src, ext := newPaged(t, noise(chunk), 0), transport.Extent{Len: chunk}
	l, d := h.connect(t, transport.Put, nil)
	before, ctx := descriptors(t), deadline(t)
	for range 20 {
		put(t, l, d, src, ext, func() {})
	}
	for descriptors(t) > before { // the last frame's may be about to go
		time.Sleep(time.Millisecond)
		must(t, ctx.Err())
	}
	for range 3 {
		_, err := l.LendSource(deadline(t), src, ext)
		must(t, err)
	}
	must(t, l.Close())
	must(t, d.Close())
	if n := descriptors(t); n > before-2 { // each end's connections are gone, too
		t.Errorf("%d descriptors before, %d after Close", before, n)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	return len(fds)
}
