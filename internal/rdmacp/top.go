package rdmacp

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/top"
	"github.com/rdmacp/rdmacp/internal/wire"
)

const longTop = `rdmacp top shows what the rdmad on a host does (on this one, if none is named): its
sessions, how fast each is, how much of it a CPU of that host has copied, and which
stages its chunks spend their time in. Who comes by a unix socket sees all sessions, and
so do those whom the daemon's configuration calls operators; others see their own.

Where the standard output is no terminal, one table is written, of one interval.`

const examplesTop = `  rdmacp top gpu7
  rdmacp top -d 5s gpu7
  rdmacp top '[unix:/run/rdmad.sock]'
  rdmacp top --json gpu7 | jq .bytes_per_second`

// topCommand shows what a daemon does.
func (a *app) topCommand(ctx context.Context) *cobra.Command {
	interval := time.Second
	cmd := &cobra.Command{
		Use: "top [flags] [HOST]", Short: "Show what a daemon does as it does it",
		Long: longTop, Example: examplesTop,
		Args: cobra.ArbitraryArgs, // checked below, in our own words
		RunE: func(cmd *cobra.Command, args []string) error {
			host := "localhost"
			switch {
			case len(args) > 1:
				return usage("reading the command line", errors.New("rdmacp top takes the name of one host"), "give one that runs rdmad: rdmacp top gpu7")
			case len(args) == 1:
				host = args[0]
			}
			if interval < wire.MinInterval || interval > wire.MaxInterval {
				return badFlag("interval", interval.String(), "out of range", fmt.Sprintf("give a time from %v to %v", wire.MinInterval, wire.MaxInterval))
			}
			return a.top(ctx, cmd.Flags(), host, interval)
		},
	}
	cmd.ValidArgsFunction = a.completeHost
	setGroups(cmd, []group{
		flagGroup("What is shown", func(f *pflag.FlagSet) {
			f.DurationVarP(&interval, "interval", "d", interval, "`time` between two looks")
			f.BoolVar(&a.opts.json, "json", false, "write a JSON line for each look, until it is stopped")
		}),
		flagGroup("The way", a.opts.addPort),
		flagGroup("Who is at the two ends (TLS)", a.opts.identifying.add),
		flagGroup("Help", addHelp),
	})
	return cmd
}

// errSeen ends a watch that has seen enough.
var errSeen = errors.New("that is all")

// top shows what the daemon at a host does.
func (a *app) top(ctx context.Context, f *pflag.FlagSet, host string, interval time.Duration) error {
	name, err := hostAlone(host)
	if err != nil {
		return err
	}
	a.opts.chunkSize, a.opts.slots, a.opts.progress, a.opts.transport = defaultChunkSize, defaultSlots, "none", "auto"
	chunk, err := a.opts.check(f)
	if err != nil {
		return err
	}
	a.what, a.messages = "watching "+name, &messages{w: a.io.Stderr}
	to := location{remote: &remote{Host: name}}
	o, err := a.dialOptions(ctx, job{dst: to, sources: []location{to}}, chunk)
	if err != nil {
		return err
	}
	board := &top.Board{Host: name}
	watch := func(ctx context.Context, see func(wire.Snapshot) error) error {
		return client.Watch(ctx, o, interval, see)
	}
	switch {
	case a.opts.json:
		return watch(ctx, func(s wire.Snapshot) error {
			board.Add(s)
			if !board.Ready() {
				return nil
			}
			return a.topLine(board)
		})
	case a.onTerminal():
		return top.Run(ctx, board, a.io.Stdin, a.io.Stdout, a.io.Environ(), watch)
	}
	err = watch(ctx, func(s wire.Snapshot) error {
		if board.Add(s); !board.Ready() {
			return nil
		}
		if _, err := fmt.Fprintln(a.io.Stdout, strings.Join(board.Render(0, 0), "\n")); err != nil {
			return stdoutFault(err)
		}
		return errSeen
	})
	if errors.Is(err, errSeen) {
		return nil
	}
	return err
}

// topLine writes a look as a line of JSON.
func (a *app) topLine(b *top.Board) error {
	line := struct {
		head
		top.Figures
	}{head{jsonVersion, "top"}, b.Figures()}
	if err := writeLine(a.io.Stdout, line); err != nil {
		return stdoutFault(err)
	}
	return nil
}

// onTerminal reports whether there is a terminal to draw on, and to hear keys from.
func (a *app) onTerminal() bool {
	for _, s := range []any{a.io.Stdin, a.io.Stdout} {
		if f, ok := s.(interface{ Fd() uintptr }); !ok || !term.IsTerminal(int(f.Fd())) {
			return false
		}
	}
	return a.io.Getenv("TERM") != "dumb"
}
