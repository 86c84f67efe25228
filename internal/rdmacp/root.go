// Package rdmacp is the command rdmacp: flags, names, progress, words and exit
// codes around one copy by package client.
package rdmacp

import (
	"context"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/device"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// IO is what the command reads and writes.
type IO = console.IO

// app is one run of the command.
type app struct {
	io       IO
	fabric   transport.Fabric
	rails    func() ([]device.Rail, error)
	opts     options
	messages *messages
	what     string // what the command does, for faults that do not say it
}

// Main runs the command with its arguments, the program's name not among them,
// and returns its exit code. A cancelled ctx interrupts the copy.
func Main(ctx context.Context, args []string, stdio IO, fabric transport.Fabric) int {
	a := &app{io: stdio, fabric: fabric, rails: device.Rails, what: "running the command"}
	root := a.rootCommand(ctx)
	root.SetArgs(append([]string{}, args...)) // nil would stand for os.Args
	if err := root.Execute(); err != nil {
		return a.report(a.asFault(ctx, err))
	}
	return 0
}

const long = `rdmacp copies a file between this host and another by RDMA, and proves every
chunk of it by its digest. The name of the copy never shows a partial file.

One of SRC and DST is remote:
  host:/path              a path on a host that runs rdmad
  host::export/path       a path below one of the daemon's exports
  [v6]:/path              an IPv6 address goes in brackets, before ::export too
  rdma://host:port/path   with a port; %-escapes stand for bytes
A name is remote if a ':' comes before any '/', so ./a:b is a local file.
If DST is a directory, or ends in a slash, the copy goes into it under the name
of SRC. A first name that is a command's is the command: ./devices is the file.`

const examples = `  rdmacp model.bin gpu7:/data/
  rdmacp gpu7::scratch/run3/model.bin .
  rdmacp --json model.bin rdma://gpu7:7500/data/model.bin`

// rootCommand is the command with its flags and what is below it.
func (a *app) rootCommand(ctx context.Context) *cobra.Command {
	root := &cobra.Command{
		Use:           "rdmacp SRC DST",
		Short:         "Copy a file between hosts by RDMA",
		Long:          long,
		Example:       examples,
		Version:       fmt.Sprintf("%s (%s %s/%s)", console.Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH),
		Args:          cobra.ArbitraryArgs, // checked by newJob, in our own words
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, args []string) error {
			chunk, err := a.opts.check(cmd.Flags())
			if err != nil {
				return err
			}
			return a.copyFile(ctx, args, chunk)
		},
	}
	root.SetIn(a.io.Stdin)
	root.SetOut(a.io.Stdout)
	root.SetErr(a.io.Stderr)
	root.CompletionOptions.DisableDefaultCmd = true
	root.Flags().SortFlags = false
	a.opts.add(root.Flags())
	root.Flags().Bool("version", false, "print the version")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return flagFault(cmd.Flags(), err) })
	help := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		help(cmd, args)
		if cmd.HasParent() {
			return
		}
		_, _ = fmt.Fprint(cmd.OutOrStdout(), "\n", console.ExitTable())
	})
	root.AddCommand(a.devicesCommand())
	return root
}
