package rdmacp

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/pflag"

	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/mtls"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
	"github.com/rdmacp/rdmacp/internal/wire"
)

const (
	defaultPort           = 7471
	defaultConnectTimeout = 8 * time.Second
	defaultChunkSize      = "1MiB"
	defaultSlots          = 16
	defaultRetryFor       = time.Minute
)

// options are the flags, by topic.
type options struct {
	selection
	keeping
	updating
	removing
	proving
	talking
	copying
	reaching
	identifying
	starting
	configured layer // what was said otherwise than by flags
}

// talking is the flags about what is said.
type talking struct {
	quiet        bool
	verbose      int
	json         bool
	progress     string
	showProgress bool
	failFast     bool
	keepGoing    bool
}

// add defines the flags.
func (t *talking) add(f *pflag.FlagSet) {
	f.BoolVarP(&t.quiet, "quiet", "q", false, "say nothing but errors")
	f.CountVarP(&t.verbose, "verbose", "v", "say more: progress lines in a log, each problem, what the copy cost; twice for debugging")
	f.Lookup("verbose").DefValue = "0"
	f.BoolVar(&t.json, "json", false, "write JSON lines to stdout; errors are put in words, too, on stderr")
	f.BoolVarP(&t.showProgress, "show-progress", "P", false, "show progress where it is not shown by itself; what a copy left behind is always gone on with. A port is --port")
	f.StringVar(&t.progress, "progress", "auto", "`how` to show progress: auto, tty (a bar), plain (a line now and then), none")
	f.BoolVar(&t.failFast, "fail-fast", false, "end at the first thing that cannot be copied")
	f.BoolVar(&t.keepGoing, "keep-going", false, "copy whatever can be copied (the default)")
}

// reaching is the flags about the way to the daemon.
type reaching struct {
	port           int
	device         string
	transport      string
	chunkSize      string
	slots          int
	qps            int
	rails          int
	connectTimeout time.Duration
	bwlimit        string
	retryFor       time.Duration
	encrypt        bool
	address        string // of the host, as it is configured; empty: its name is one
}

// add defines the flags.
func (r *reaching) add(f *pflag.FlagSet) {
	r.addWay(f)
	f.StringVar(&r.bwlimit, "bwlimit", "", "send at most that many bytes a second: 500M, 1.5G; a plain `number` is KiB, as rsync has it")
	f.DurationVar(&r.retryFor, "retry-for", defaultRetryFor, "how long to try to go on with a copy over a new connection when one is lost, from the last byte that moved (not with --remove-source-files, --max-delete or -), and how long to wait for a daemon that has as many sessions as it allows; 0 for not at all")
	f.StringVar(&r.chunkSize, "chunk-size", defaultChunkSize, "`size` of a chunk; the daemon may choose less")
	f.IntVar(&r.slots, "slots", defaultSlots, "`number` of chunks in flight; each pins the size of a chunk in memory at both ends")
}

// addWay defines those that do not concern files.
func (r *reaching) addWay(f *pflag.FlagSet) {
	r.addPort(f)
	f.StringVar(&r.device, "device", "", "RDMA `device` of this host to use, as in mlx5_0 or mlx5_0/1, and no TCP (default: the one that reaches the daemon)")
	f.StringVar(&r.transport, "transport", "auto", "`how` the bytes travel: rdma, tcp, or auto: by rdma, and by tcp with a word about it where an end has no RDMA device")
	f.BoolVar(&r.encrypt, "encrypt", false, "encrypt what goes by RDMA, too: AES-256-GCM by a key of the TLS connection, which takes CPU time and memory bandwidth at both ends")
	f.IntVar(&r.qps, "qps", 0, "`number` of queue pairs of each rail, or of TCP connections (default: 4)")
	f.IntVar(&r.rails, "rails", 0, "use at most that `number` of rails, RDMA ports on networks of their own, at once (default: all that lead from host to host)")
}

// addPort defines those by which a daemon is reached.
func (r *reaching) addPort(f *pflag.FlagSet) {
	f.IntVar(&r.port, "port", defaultPort, "`port` of the daemon")
	f.DurationVar(&r.connectTimeout, "connect-timeout", defaultConnectTimeout, "how long the daemon may take to open a session")
}

// groups are the flags of a copy.
func (o *options) groups() []group {
	return []group{
		flagGroup("What is copied", o.addTrees, o.addFilters),
		flagGroup("What is kept; --no-owner and the like turn off what -a implies", o.keeping.add),
		flagGroup("What is sent", o.updating.add),
		flagGroup("What is removed", o.removing.add),
		flagGroup("Proof", o.proving.add),
		flagGroup("What is said", o.talking.add),
		flagGroup("What a CPU copies", o.copying.add),
		flagGroup("The way", o.reaching.add),
		flagGroup("A daemon for this copy only", o.starting.add),
		flagGroup("Who is at the two ends (TLS)", o.identifying.add, o.addToken),
		flagGroup("Help", addLongHelp, addVersion),
	}
}

// verifyGroups are those of them that a comparison has a use for.
func (o *options) verifyGroups() []group {
	return []group{
		flagGroup("What is compared", o.addTrees, o.addFilters),
		flagGroup("What belongs to it; --no-owner and the like turn off what -a implies", o.keeping.add),
		flagGroup("What is said", o.talking.add),
		flagGroup("The way", o.reaching.add),
		flagGroup("A daemon for this copy only", o.starting.add),
		flagGroup("Who is at the two ends (TLS)", o.identifying.add, o.addToken),
		flagGroup("Help", addLongHelp),
	}
}

// badFlag is the fault of a flag's value.
func badFlag(flag, value, why, fix string) error {
	return usage(fmt.Sprintf("reading --%s=%s", flag, value), errors.New(why), fix)
}

// usage is the fault of a command line that is wrong.
func usage(what string, why error, fix string) error {
	return fault.New(fault.Usage, what, why, fix)
}

// pinnedByDefault bounds what a copy pins when the user has named the size of a
// chunk, but not how many: bytes.
const pinnedByDefault = 64 << 20

// check checks the values and returns the size of a chunk.
func (o *options) check(f *pflag.FlagSet) (chunk int, err error) {
	chunk, err = o.checkValues(f)
	return chunk, o.blame(err)
}

func (o *options) checkValues(f *pflag.FlagSet) (chunk int, err error) {
	switch {
	case o.port < 1 || o.port > 65535:
		return 0, badFlag("port", fmt.Sprint(o.port), "not a port", "give a number from 1 to 65535")
	case o.transport != "auto" && o.transport != "rdma" && o.transport != "tcp":
		return 0, badFlag("transport", o.transport, "there is no such transport", "give rdma, tcp or auto")
	case o.slots < 1 || o.slots > wire.MaxSlots:
		return 0, badFlag("slots", fmt.Sprint(o.slots), "out of range", fmt.Sprintf("give a number from 1 to %d", wire.MaxSlots))
	case o.qps < 0 || o.qps > wire.MaxQPs:
		return 0, badFlag("qps", fmt.Sprint(o.qps), "out of range", fmt.Sprintf("give a number from 1 to %d, or none", wire.MaxQPs))
	case o.rails < 0 || o.rails > wire.MaxRails:
		return 0, badFlag("rails", fmt.Sprint(o.rails), "out of range", fmt.Sprintf("give a number from 1 to %d, or none", wire.MaxRails))
	case o.retryFor < 0:
		return 0, badFlag("retry-for", o.retryFor.String(), "less than no time", "give a time like 60s, or 0")
	case o.connectTimeout <= 0:
		return 0, badFlag("connect-timeout", o.connectTimeout.String(), "no time at all", "give a time like 5s")
	}
	switch o.progress {
	case "auto", "tty", "plain", "none":
	default:
		return 0, badFlag("progress", o.progress, "there is no such way", "give auto, tty, plain or none; -P just shows it")
	}
	if chunk, err = o.chunk(); err != nil {
		return 0, err
	}
	limit, err := bandwidth(o.bwlimit)
	if err != nil {
		return 0, err
	}
	// A chunk goes out at full speed: with a low limit, small ones make for an
	// even flow.
	if limit > 0 && !o.given(f, "chunk-size") {
		chunk = int(min(int64(chunk), max(limit, wire.MinChunk)))
	}
	o.fit(f, chunk)
	return chunk, errors.Join(o.consistent(f), o.checkStart(f))
}

// kind is the transport; 0 is for auto. Who names a device wants that and no other way.
func (r *reaching) kind() transport.Kind {
	switch {
	case r.transport == "tcp":
		return transport.TCP
	case r.transport == "rdma", r.device != "":
		return transport.RDMA
	}
	return 0
}

// chunk reads --chunk-size.
func (o *options) chunk() (int, error) {
	n, err := humanize.ParseBytes(o.chunkSize)
	if err != nil || n < wire.MinChunk || n > wire.MaxChunk {
		return 0, badFlag("chunk-size", o.chunkSize, "not the size of a chunk", fmt.Sprintf("give a size from %s to %s", console.Bytes(wire.MinChunk), console.Bytes(wire.MaxChunk)))
	}
	return int(n), nil
}

// fit lowers the number of slots that nobody asked for, so that large chunks do
// not pin more memory than anyone expects.
func (o *options) fit(f *pflag.FlagSet, chunk int) {
	if !o.given(f, "slots") {
		o.slots = max(2, min(o.slots, pinnedByDefault/chunk))
	}
}

// trees reports whether directories are copied.
func (o *options) trees() bool { return o.recursive || o.archive }

// consistent refuses flags that contradict one another, or do nothing without
// another one.
func (o *options) consistent(f *pflag.FlagSet) error {
	const why = "the one says the opposite of the other"
	limited := f.Changed("max-delete")
	switch {
	case o.failFast && o.keepGoing:
		return conflict("--fail-fast --keep-going", why, "give one of them")
	case o.sizeOnly && o.checksum, o.sizeOnly && o.ignoreTimes:
		return conflict("--size-only", "--checksum and --ignore-times say the opposite", "give one of them")
	case o.delete && !o.trees():
		return conflict("--delete", "it works on directories, and none are copied", "add -a or -r")
	case o.delete && o.filesFrom != "":
		return conflict("--delete --files-from", "what is not listed would be removed, though it may be there at the source", "give one of them")
	case o.delete && o.dryRun && o.checksum:
		return conflict("--dry-run --checksum --delete", "what would be removed is not found out while contents are compared", "drop --checksum or --delete")
	case limited && !o.delete:
		return conflict("--max-delete", "nothing is removed without --delete", "add --delete, or drop it")
	case limited && (o.maxDelete < 0 || o.maxDelete > math.MaxInt32):
		return badFlag("max-delete", fmt.Sprint(o.maxDelete), "out of range", "give 0 or more")
	case o.fromZero && o.filesFrom == "":
		return conflict("--from0", "it says how --files-from is written, which is not there", "add --files-from, or drop it")
	case o.dryRun && o.manifest != "":
		return conflict("--manifest --dry-run", "nothing is copied that a manifest could tell of", "give one of them")
	case o.dryRun && o.digest != 0:
		return conflict("--digest --dry-run", "nothing is read whose digest could be told", "give one of them")
	case o.device != "" && o.transport == "tcp":
		return conflict("--device --transport=tcp", "the device is one for RDMA", "give one of them")
	case o.noVerify && (o.readBack || o.checksum || o.delta):
		return conflict("--no-verify", "--read-back, --checksum and --delta need the digests that it does without", "give one of them")
	case o.zeroCopy && o.transport == "tcp":
		return conflict("--require-zero-copy --transport=tcp", "a CPU copies what comes out of a TCP connection", "give one of them")
	case o.zeroCopy && (o.source == tree.BufferedWay || o.sink == tree.BufferedWay):
		return conflict("--require-zero-copy", "a CPU copies what is buffered", "give another --source or --sink")
	case o.insecure && o.tls != (mtls.Files{}):
		return conflict("--insecure", "--tls-cert and the like say the opposite", "give one of them")
	case o.token != "" && (o.insecure || o.tls != (mtls.Files{})):
		return conflict("--token", "--insecure, --tls-cert and the like say by what else to go", "give one of them")
	case o.json && o.digest != 0 && o.quiet:
		return conflict("--json --digest --quiet", "with --json, digests are told by lines that --quiet leaves out", "drop one of them")
	}
	return nil
}

// conflict is a usage fault of flags that do not go together.
func conflict(flags, why, fix string) error {
	return usage(fmt.Sprintf("reading %s", flags), errors.New(why), fix)
}
