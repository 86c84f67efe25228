// Package rdmacp is the command rdmacp: flags, names, progress, words and exit
// codes around one transfer by package client.
package rdmacp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/device"
	"github.com/rdmacp/rdmacp/internal/oneshot"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/tcp"
)

// IO is what the command reads and writes.
type IO = console.IO

// app is one run of the command.
type app struct {
	io       IO
	args     []string  // as they were typed
	bytes    io.Writer // standard output for the bytes of a file
	fabric   transport.Fabric
	rails    func() ([]device.Rail, error)
	opts     options
	messages *messages
	shot     *oneshot.Remote // the rdmad that --via-ssh has started; nil: none
	what     string          // what the command does, for faults that do not say it
	again    string          // what happens to what it has done, if it is run again
}

// Main runs the command with its arguments, the program's name not among them,
// and returns its exit code. Fabric is that of RDMA. A cancelled ctx interrupts the copy.
func Main(ctx context.Context, args []string, stdio IO, fabric transport.Fabric) int {
	a := &app{io: impatient(ctx, stdio), args: args, bytes: stdio.Stdout, fabric: transport.Fabrics{RDMA: fabric, TCP: tcp.New(tcp.Config{})}, rails: device.Rails, what: "running the command"}
	root := a.rootCommand(ctx)
	root.SetArgs(append([]string{}, args...)) // nil would stand for os.Args
	if err := root.Execute(); err != nil {
		return a.report(a.asFault(ctx, err))
	}
	return 0
}

const long = `rdmacp copies files and trees between this host and another by RDMA, or by TCP where
an end has no device for it, and proves every chunk by its digest. A name shows the old file or the complete new one, and
never anything else. What was interrupted goes on where it stopped when the same
command is run again.

Either all SRC or DST are on another host:
  host:/path              a path on a host that runs rdmad
  host::export/path       a path below one of the daemon's exports
  [unix:/socket]:/path    by way of a unix socket of this host, before ::export too
  [v6]:/path              an IPv6 address goes in brackets, before ::export too
  rdma://host:port/path   with a port; %-escapes stand for bytes
  -                       standard input or output, for a single file
A name is remote if a ':' comes before any '/', so ./a:b is a local file.
A pattern of *, ? and [..] in a remote SRC is for the daemon: quote it.

If DST is a directory, the copy goes into it under the name of SRC, and else DST
is the name of the copy. A slash behind DST, or several SRC, make sure that it is
a directory. A slash behind SRC means what is in the directory: rsync's SRC/.
So SRC/ DST can be repeated; SRC DST goes on with an unfinished copy DST, in which
there is .rdmacp-tree, and once that is complete makes another one, DST/SRC.
A first name that is a command's is the command: ./devices is the file.

The way to a daemon and who is at the two ends can be configured, by variables such as
RDMACP_PORT and in ~/.config/rdmacp/config.toml: see rdmacp config --help.`

const examples = `  rdmacp model.bin gpu7:/data/
  rdmacp -r src include gpu7:/data/        as scp -r, but what is there already stays
  rdmacp -a --delete src/ gpu7::scratch/src   as rsync -aH: DST becomes like SRC
  rdmacp -a --exclude '*.o' --dry-run src gpu7:/data/
  rdmacp 'gpu7::runs/*/loss.csv' results/
  rdmacp --delta --read-back ckpt.pt gpu7:/data/ckpt.pt
  rdmacp -a --manifest sums.txt data/ gpu7:/data   and there: b3sum -c sums.txt
  rdmacp verify -a data/ gpu7:/data
  tar c src | rdmacp - gpu7:/data/src.tar
  rdmacp gpu7:/data/src.tar - | tar x`

// Command is the whole command, for manual pages.
func Command() *cobra.Command {
	root := (&app{}).rootCommand(context.Background())
	root.Long += "\n\n" + console.ExitTable()
	return root
}

// rootCommand is the command with its flags and what is below it.
func (a *app) rootCommand(ctx context.Context) *cobra.Command {
	root := &cobra.Command{
		Use:               "rdmacp [flags] SRC... DST",
		Short:             "Copy files and trees between hosts by RDMA",
		Long:              long,
		Example:           examples,
		Version:           fmt.Sprintf("%s (%s %s/%s)", console.Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH),
		Args:              cobra.ArbitraryArgs, // checked by newJob, in our own words
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: a.configure,
		RunE:              a.runner(ctx, copies),
	}
	root.ValidArgsFunction = a.completeNames(ctx)
	root.SetIn(a.io.Stdin)
	root.SetOut(a.io.Stdout)
	root.SetErr(a.io.Stderr)
	root.CompletionOptions.HiddenDefaultCmd = true
	setGroups(root, a.opts.groups())
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return flagFault(cmd.Flags(), root.Flags(), err) })
	help := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		help(cmd, args)
		if cmd.HasParent() {
			return
		}
		_, _ = fmt.Fprint(cmd.OutOrStdout(), "\n", console.ExitTable())
	})
	root.AddCommand(a.verifyCommand(ctx), a.devicesCommand(), a.benchCommand(ctx), a.doctorCommand(ctx), a.topCommand(ctx), a.configCommand())
	return root
}

// runner is what cobra calls for a command that takes names.
func (a *app) runner(ctx context.Context, what command) func(cmd *cobra.Command, args []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 && changed(cmd.Flags(), "human-readable") {
			return cmd.Help()
		}
		if err := errors.Join(scpHabit(a.args, args), misspelt(cmd, args)); err != nil {
			return err
		}
		return a.run(ctx, what, cmd.Flags(), args)
	}
}
