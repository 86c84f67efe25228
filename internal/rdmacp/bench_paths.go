package rdmacp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/sendpath"
	"github.com/rdmacp/rdmacp/internal/storage"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
)

const longBenchPaths = `rdmacp bench paths sends one file by each way that Linux has from a file to the
network, and says what each cost the sending side: time, CPU, bytes that were
copied, context switches, system calls. The ways of the kernel go to this host
itself over TCP, where what arrives is thrown away. With HOST, rdmacp's own way to
the daemon there is the last row, digests and all; what arrives is thrown away,
too. Compare CPU and copies: a network is faster or slower than loopback is.`

const examplesBenchPaths = `  rdmacp bench paths image.qcow2
  rdmacp bench paths --rounds 9 --plot paths.svg image.qcow2 gpu7`

// pathing is the flags of rdmacp bench paths.
type pathing struct {
	rounds int
	plot   string
}

func (p *pathing) add(f *pflag.FlagSet) {
	f.IntVar(&p.rounds, "rounds", 3, "how often each way is tried, in turn; the median is shown (`number`)")
	f.StringVar(&p.plot, "plot", "", "draw the CPU time of each way into a new `file` (SVG)")
}

// pathsCommand compares ways of sending a file.
func (a *app) pathsCommand(ctx context.Context) *cobra.Command {
	var p pathing
	cmd := &cobra.Command{
		Use: "paths [flags] FILE [HOST]", Short: "Compare the ways from a file to the network",
		Long: longBenchPaths, Example: examplesBenchPaths,
		Args: cobra.ArbitraryArgs, // checked below, in our own words
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 {
				return usage("reading the command line", errors.New("rdmacp bench paths takes a file, and the name of a host if you like"),
					"rdmacp bench paths FILE gpu7; a host of the name paths is measured as paths:")
			}
			if p.rounds < 1 || p.rounds > 1000 {
				return badFlag("rounds", fmt.Sprint(p.rounds), "out of range", "give a number from 1 to 1000")
			}
			return a.benchPaths(ctx, cmd.Flags(), p, args)
		},
	}
	setGroups(cmd, []group{
		flagGroup("What is measured", p.add, func(f *pflag.FlagSet) {
			f.BoolVar(&a.opts.json, "json", false, "write a JSON line for each way")
		}),
		flagGroup("The way to HOST", a.opts.addWay),
		flagGroup("Who is at the two ends (TLS)", a.opts.identifying.add),
		flagGroup("Help", addHelp),
	})
	return cmd
}

// pathTrial is a row: a way, and what it cost each time.
type pathTrial struct {
	name  string
	run   func(ctx context.Context) (sendpath.Cost, error)
	costs []sendpath.Cost
	skip  string // why this host has it not
}

// benchPaths measures, in rounds, so that a noisy moment hits all ways alike.
func (a *app) benchPaths(ctx context.Context, f *pflag.FlagSet, p pathing, args []string) error {
	path, size, err := sendable(args[0])
	if err != nil {
		return err
	}
	if _, err := os.Lstat(p.plot); p.plot != "" && err == nil {
		return taken("the plot " + p.plot) // rather now than when all is measured
	}
	a.opts.chunkSize, a.opts.slots, a.opts.progress = defaultChunkSize, defaultSlots, "none"
	chunk, err := a.opts.check(f)
	if err != nil {
		return err
	}
	a.what, a.messages = "comparing the ways of "+console.Escape(args[0]), &messages{w: a.io.Stderr}
	trials := localTrials(path)
	if len(args) == 2 {
		host, err := hostAlone(args[1])
		if err != nil {
			return err
		}
		trials = append(trials, &pathTrial{name: "rdmacp", run: func(ctx context.Context) (sendpath.Cost, error) {
			return a.ownPath(ctx, remote{Host: host}, path, size, chunk)
		}})
	}
	for range p.rounds {
		for _, t := range trials {
			if err := t.once(ctx); err != nil {
				return sendFault("sending "+console.Escape(args[0])+" by "+t.name, err)
			}
		}
	}
	if err := a.pathTable(size, trials); err != nil || p.plot == "" {
		return err
	}
	return plotPaths(p.plot, filepath.Base(path), trials)
}

// sendFault is the fault of a way that failed.
func sendFault(what string, err error) error {
	if _, ok := fault.As(err); ok || errors.Is(err, context.Canceled) {
		return err
	}
	return fault.New(fault.IO, what, bare(err), "see that nobody writes to the file meanwhile, and that this host may connect to itself by TCP")
}

// sendable looks at a file that is to be sent.
func sendable(name string) (path string, size int64, err error) {
	what := "reading " + console.Escape(name)
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return "", 0, fault.New(fault.NotFound, what, bare(err), "check the path: rdmacp bench paths FILE [HOST]")
	case !info.Mode().IsRegular() || info.Size() == 0:
		return "", 0, usage(what, errors.New("it is no file, or an empty one"), "name a file of some 100 MiB")
	}
	path, err = filepath.Abs(name)
	return path, info.Size(), err
}

// localTrials are the ways of the kernel.
func localTrials(path string) (ts []*pathTrial) {
	for _, p := range sendpath.Paths() {
		ts = append(ts, &pathTrial{name: p.Name, run: func(ctx context.Context) (sendpath.Cost, error) { return p.Send(ctx, path) }})
	}
	return ts
}

// ownPath is the way that a copy goes.
func (a *app) ownPath(ctx context.Context, to remote, path string, size int64, chunk int) (c sendpath.Cost, err error) {
	o, err := a.dialOptions(ctx, job{direction: transport.Put, dst: location{remote: &to}, sources: []location{{arg: path}}}, chunk)
	if err != nil {
		return c, err
	}
	s, err := client.Dial(ctx, o)
	if err != nil {
		return c, err
	}
	defer func() { _ = s.Close() }() //nolint:contextcheck // it ends what ctx did not, and has a limit of its own
	src := storage.NewWalker([]storage.Start{{Path: path}}, tree.WalkOptions{})
	defer func() { _ = src.Close() }() // nothing was written to it
	r, err := s.Nowhere(ctx, src, size)
	if err != nil {
		return c, err
	}
	l := r.Local
	return sendpath.Cost{
		Bytes: int64(l.Bytes), Elapsed: r.Elapsed, CPU: l.CPU, Calls: l.Calls, Copied: int64(l.CopiedBytes + l.SocketBytes),
		Note: cmp.Or(l.WhyCopied, fmt.Sprintf("%s to %s, digests and all", s.Peer().Transport, to.Host)),
	}, nil
}

// once goes the way once, unless this host has it not.
func (t *pathTrial) once(ctx context.Context) error {
	if t.skip != "" {
		return nil
	}
	c, err := t.run(ctx)
	switch {
	case errors.Is(err, sendpath.ErrSkip):
		t.skip = err.Error()
		return nil
	case err != nil:
		return err
	}
	t.costs = append(t.costs, c)
	return nil
}

// median is the cost of the round in the middle, by CPU time.
func (t *pathTrial) median() sendpath.Cost {
	sorted := slices.SortedFunc(slices.Values(t.costs), func(a, b sendpath.Cost) int { return cmp.Compare(a.CPU.Time(), b.CPU.Time()) })
	return sorted[len(sorted)/2]
}
