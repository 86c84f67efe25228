package rdmacp

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/wire"
)

const longBench = `rdmacp bench moves memory between this host and one that runs rdmad, with no file at
either end: what a copy could reach if files cost nothing. It goes the same way as a
copy (rails, queue pairs, messages, digests), both ways, for each size of a chunk
and each number of chunks in flight. Compare it with ib_read_bw and ib_write_bw,
and a copy with it. The daemon needs no export for that.`

const examplesBench = `  rdmacp bench gpu7
  rdmacp bench --size 4GiB --chunks 256KiB,1MiB,4MiB --depths 4,16,64 --no-verify gpu7`

// benching is the flags of rdmacp bench.
type benching struct {
	size   string
	chunks []string
	depths []int
}

// add defines the flags.
func (b *benching) add(f *pflag.FlagSet) {
	f.StringVar(&b.size, "size", "256MiB", "how many `bytes` to move for each row")
	f.StringSliceVar(&b.chunks, "chunks", []string{"64KiB", "1MiB"}, "`sizes` of a chunk")
	f.IntSliceVar(&b.depths, "depths", []int{1, 4, 16}, "`numbers` of chunks in flight")
}

// benchCommand measures without files.
func (a *app) benchCommand(ctx context.Context) *cobra.Command {
	var b benching
	cmd := &cobra.Command{
		Use: "bench [flags] HOST", Short: "Measure the way to a daemon, without files",
		Long: longBench, Example: examplesBench,
		Args: cobra.ArbitraryArgs, // checked below, in our own words
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("reading the command line", errors.New("rdmacp bench takes the name of one host"), "give a host that runs rdmad: rdmacp bench gpu7")
			}
			return a.bench(ctx, cmd.Flags(), args[0], b)
		},
	}
	cmd.ValidArgsFunction = a.completeHost
	cmd.AddCommand(a.pathsCommand(ctx))
	setGroups(cmd, []group{
		flagGroup("What is measured", b.add, func(f *pflag.FlagSet) {
			f.BoolVar(&a.opts.noVerify, "no-verify", false, "do without the digests of chunks")
			f.BoolVar(&a.opts.json, "json", false, "write a JSON line for each row")
		}),
		flagGroup("The way", a.opts.addWay),
		flagGroup("Who is at the two ends (TLS)", a.opts.identifying.add),
		flagGroup("Help", addHelp),
	})
	return cmd
}

// trial is one row.
type trial struct {
	way   transport.Direction
	chunk int
	depth int
}

// trials are the rows, and the bytes of each.
func (b benching) trials() (ts []trial, size int64, err error) {
	n, err := humanize.ParseBytes(b.size)
	if err != nil || n < 1 || n > wire.MaxSize {
		return nil, 0, badFlag("size", b.size, "not a number of bytes", "give a size like 1GiB")
	}
	for _, text := range b.chunks {
		chunk, err := (&options{reaching: reaching{chunkSize: text}}).chunk()
		if err != nil {
			return nil, 0, badFlag("chunks", text, "not the size of a chunk", fmt.Sprintf("give sizes from %s to %s", console.Bytes(wire.MinChunk), console.Bytes(wire.MaxChunk)))
		}
		for _, depth := range b.depths {
			if depth < 1 || depth > wire.MaxSlots {
				return nil, 0, badFlag("depths", fmt.Sprint(depth), "out of range", fmt.Sprintf("give numbers from 1 to %d", wire.MaxSlots))
			}
			ts = append(ts, trial{transport.Put, chunk, depth}, trial{transport.Get, chunk, depth})
		}
	}
	return ts, int64(n), nil
}

// bench runs the trials, and writes a row as soon as each is done.
func (a *app) bench(ctx context.Context, f *pflag.FlagSet, host string, b benching) error {
	name, err := hostAlone(host)
	if err != nil {
		return err
	}
	ts, size, err := b.trials()
	if err != nil {
		return err
	}
	a.opts.chunkSize, a.opts.slots, a.opts.progress = defaultChunkSize, defaultSlots, "none"
	if _, err := a.opts.check(f); err != nil {
		return err
	}
	a.what, a.messages = "measuring the way to "+name, &messages{w: a.io.Stderr}
	return a.traced(ctx, "bench", func(ctx context.Context) error {
		for i, t := range ts {
			r, peer, err := a.measure(ctx, remote{Host: name}, t, size)
			if err != nil {
				return err
			}
			if err := a.benchRow(i == 0, t, r, peer); err != nil {
				return err
			}
		}
		return nil
	})
}

// hostAlone is the name of a host that was given without a path.
func hostAlone(host string) (string, error) {
	name, err := parseHost(strings.TrimRight(host, ":"))
	if err == nil && !strings.HasPrefix(host, "[") && strings.ContainsAny(name, ":/") {
		err = errors.New("there is more in it than a host")
	}
	if err != nil {
		return "", badName(host, err, "give the name or the address of a host alone, and its port as --port")
	}
	return name, nil
}

// measure runs one trial.
func (a *app) measure(ctx context.Context, to remote, t trial, size int64) (r client.Result, p client.Peer, err error) {
	o, err := a.dialOptions(ctx, job{direction: t.way, dst: location{remote: &to}, sources: []location{{remote: &to}}}, t.chunk)
	if err != nil {
		return r, p, err
	}
	o.Slots, o.LeastSlots = t.depth, 0
	s, err := client.Dial(ctx, o)
	if err != nil {
		return r, p, err
	}
	defer func() { _ = s.Close() }() //nolint:contextcheck // it ends what ctx did not, and has a limit of its own
	r, err = s.Blank(ctx, size)
	return r, s.Peer(), err
}

// benchColumns are as wide as what goes there ever is: a row is written when its trial is done, ahead of the others'.
const benchColumns = "%9s  %8s  %5s  %12s  %7s  %15s  %8s\n"

// benchRow writes what a trial has shown.
func (a *app) benchRow(first bool, t trial, r client.Result, p client.Peer) error {
	rate := console.Speed(r.Bytes, r.Elapsed)
	if a.opts.json {
		return asStdout(writeLine(a.io.Stdout, benchLine{
			head: head{jsonVersion, "bench"}, Direction: t.way.String(), Chunk: p.ChunkSize, Depth: t.depth,
			Bytes: r.Bytes, Seconds: r.Elapsed.Seconds(), BytesPerSecond: rate,
			Transport: p.Transport.String(), LocalDevice: p.LocalDevice, RemoteDevice: p.Device, Verified: !a.opts.noVerify,
			Local: newCountersField(r.Local), Remote: newCountersField(r.Remote),
		}))
	}
	if first {
		from := fmt.Sprintf("%s %s, %s here and %s there, %s a row", p.Transport, verified(!a.opts.noVerify), p.LocalDevice, p.Device, console.Bytes(r.Bytes))
		_, _ = fmt.Fprintf(a.io.Stdout, "%s\n"+benchColumns, from, "DIRECTION", "CHUNK", "DEPTH", "RATE", "WR/GIB", "CYCLES/BIT HERE", "THERE")
	}
	wrs := r.Local
	wrs.WorkReqs += r.Remote.WorkReqs
	_, err := fmt.Fprintf(a.io.Stdout, benchColumns, t.way, console.Bytes(int64(p.ChunkSize)), strconv.Itoa(t.depth), console.Rate(rate),
		perGiB(wrs, wrs.WorkReqs), cyclesPerBit(r.Local), cyclesPerBit(r.Remote))
	return asStdout(err)
}

func verified(yes bool) string {
	if yes {
		return "verified"
	}
	return "not verified"
}

// asStdout is nil for nil.
func asStdout(err error) error {
	if err == nil {
		return nil
	}
	return stdoutFault(err)
}

// benchLine is a row as a line of JSON.
type benchLine struct {
	head
	Direction      string        `json:"direction"`
	Chunk          int           `json:"chunk_size"`
	Depth          int           `json:"depth"`
	Bytes          int64         `json:"bytes"`
	Seconds        float64       `json:"seconds"`
	BytesPerSecond float64       `json:"bytes_per_second"`
	Transport      string        `json:"transport"`
	LocalDevice    string        `json:"local_device"`
	RemoteDevice   string        `json:"remote_device"`
	Verified       bool          `json:"verified"`
	Local          countersField `json:"local"`
	Remote         countersField `json:"remote"`
}
