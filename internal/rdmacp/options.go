package rdmacp

import (
	"errors"
	"fmt"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/pflag"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/wire"
)

const (
	defaultPort           = 7471
	defaultConnectTimeout = 8 * time.Second
	defaultChunkSize      = "1MiB"
	defaultSlots          = 16
)

// options are the flags.
type options struct {
	preserve       bool
	quiet          bool
	verbose        int
	json           bool
	progress       string
	port           int
	scpPort        string
	device         string
	transport      string
	chunkSize      string
	slots          int
	qps            int
	connectTimeout time.Duration
}

// add defines the flags.
func (o *options) add(f *pflag.FlagSet) {
	f.BoolVarP(&o.preserve, "preserve", "p", false, "accepted for scp's sake: mode and mtime are always kept")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "say nothing but errors")
	f.CountVarP(&o.verbose, "verbose", "v", "say more: progress lines in a log, what the copy cost; twice for debugging")
	f.BoolVar(&o.json, "json", false, "write JSON lines to stdout; errors are put in words, too, on stderr")
	f.StringVar(&o.progress, "progress", "auto", "`how` to show progress: auto, tty (a bar), plain (a line now and then), none")
	f.IntVar(&o.port, "port", defaultPort, "`port` of the daemon")
	f.StringVar(&o.device, "device", "", "RDMA `device` of this host to use, as in mlx5_0 or mlx5_0/1 (default: the one that reaches the daemon)")
	f.StringVar(&o.transport, "transport", "auto", "`name` of the transport: rdma; auto is rdma too, there is no other yet")
	f.StringVar(&o.chunkSize, "chunk-size", defaultChunkSize, "`size` of a chunk; the daemon may choose less")
	f.IntVar(&o.slots, "slots", defaultSlots, "`number` of chunks in flight; each pins the size of a chunk in memory at both ends")
	f.IntVar(&o.qps, "qps", 0, "`number` of queue pairs (default: as many as the device is best served with)")
	f.DurationVar(&o.connectTimeout, "connect-timeout", defaultConnectTimeout, "how long the daemon may take to open a session")
	f.StringVarP(&o.scpPort, "scp-port", "P", "", "")
	_ = f.MarkHidden("scp-port") // it is there to be explained away
}

// badFlag is the fault of a flag's value.
func badFlag(flag, value, why, fix string) error {
	return fault.New(fault.Usage, fmt.Sprintf("reading --%s=%s", flag, value), errors.New(why), fix)
}

// pinnedByDefault bounds what a copy pins when the user has named the size of a
// chunk, but not how many: bytes.
const pinnedByDefault = 64 << 20

// check checks the values and returns the size of a chunk.
func (o *options) check(f *pflag.FlagSet) (chunk int, err error) {
	switch {
	case f.Changed("scp-port"):
		return 0, fault.New(fault.Usage, "reading -P "+o.scpPort,
			errors.New("-P is a port to scp and progress to rsync, so it is neither here"),
			"a port is given by --port=PORT or rdma://host:PORT/path; progress shows on its own, see --progress")
	case o.port < 1 || o.port > 65535:
		return 0, badFlag("port", fmt.Sprint(o.port), "not a port", "give a number from 1 to 65535")
	case o.transport != "auto" && o.transport != "rdma":
		return 0, badFlag("transport", o.transport, "there is no such transport", "give rdma, or auto, which is rdma too: there is no other yet")
	case o.slots < 1 || o.slots > wire.MaxSlots:
		return 0, badFlag("slots", fmt.Sprint(o.slots), "out of range", fmt.Sprintf("give a number from 1 to %d", wire.MaxSlots))
	case o.qps < 0 || o.qps > wire.MaxQPs:
		return 0, badFlag("qps", fmt.Sprint(o.qps), "out of range", fmt.Sprintf("give a number from 1 to %d, or none", wire.MaxQPs))
	case o.connectTimeout <= 0:
		return 0, badFlag("connect-timeout", o.connectTimeout.String(), "no time at all", "give a time like 5s")
	}
	switch o.progress {
	case "auto", "tty", "plain", "none":
	default:
		return 0, badFlag("progress", o.progress, "there is no such way", "give auto, tty, plain or none")
	}
	chunk, err = o.chunk()
	if err == nil {
		o.fit(f, chunk)
	}
	return chunk, err
}

// chunk reads --chunk-size.
func (o *options) chunk() (int, error) {
	n, err := humanize.ParseBytes(o.chunkSize)
	if err != nil || n < wire.MinChunk || n > wire.MaxChunk {
		return 0, badFlag("chunk-size", o.chunkSize, "not the size of a chunk", fmt.Sprintf("give a size from %s to %s", humanBytes(wire.MinChunk), humanBytes(wire.MaxChunk)))
	}
	return int(n), nil
}

// fit lowers the number of slots that nobody asked for, so that large chunks do
// not pin more memory than anyone expects.
func (o *options) fit(f *pflag.FlagSet, chunk int) {
	if !f.Changed("slots") {
		o.slots = max(2, min(o.slots, pinnedByDefault/chunk))
	}
}
