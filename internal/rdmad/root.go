// Package rdmad is the command rdmad: flags, configuration, listeners, logs and
// exit codes around package server.
package rdmad

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/device"
	"github.com/rdmacp/rdmacp/internal/doctor"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// IO is what the command reads and writes.
type IO = console.IO

// NewFabric makes the data path, which logs what its devices say.
type NewFabric func(*slog.Logger) transport.Fabric

// app is one run of the command.
type app struct {
	io       IO
	fabric   NewFabric
	confiner Confine // nil: there is none
	rails    func() ([]device.Rail, error)
	around   func(*doctor.Host) // has the kernel say what it knows of this host; nil: nothing
	level    slog.LevelVar      // of the log
}

// Main runs the command with its arguments, the program's name not among them,
// until ctx ends, and returns its exit code. When ctx ends it drains: it waits
// for the sessions that run, up to a limit. It is confined by confiner, if that is not nil.
func Main(ctx context.Context, args []string, stdio IO, fabric NewFabric, confiner Confine) int {
	a := &app{io: stdio, fabric: fabric, confiner: confiner, rails: device.Rails, around: (*doctor.Host).LookAround}
	root := a.rootCommand(ctx)
	root.SetArgs(append([]string{}, args...)) // nil would stand for os.Args
	err := root.Execute()
	if err == nil {
		return 0
	}
	f, ok := fault.As(err)
	if !ok {
		f = fault.New(fault.Internal, "serving", err, "")
	}
	console.Render(stdio.Stderr, "rdmad", f, stdio.Colour())
	return console.Exit(f.Code)
}

const long = `rdmad is the daemon that rdmacp copies from and to. It reaches what it exports
and nothing else, and its own memory cannot be reached from the network.

With a certificate (--tls-cert, --tls-key, --tls-ca) it speaks TLS, and lets only
clients in that have one of a CA that it trusts; rdmad pki makes such certificates.
Without, whoever reaches a listener can read and write the exports, so that it
listens on loopback addresses and unix sockets only, unless --insecure is given.
What travels by RDMA is encrypted where the client asks for it (rdmacp --encrypt).

Each flag is also a variable, as in RDMAD_LOG_LEVEL, and each but --config a key
of the configuration file (the user's, ~/.config/rdmad/config.toml, or else the host's,
/etc/rdmad/config.toml). A flag comes before a variable, a variable before the file:

  listen = ["127.0.0.1:7471", "unix:/run/rdmad.sock"]
  log-level = "info"

  [export.models]
  path = "/srv/models"
  read_only = true

  [export.scratch]
  path = "/scratch"
  read = ["gpu*"]               # who may read: names in certificates
  write = ["alice", "spiffe://cluster/trainer/*"]   # who may read and write

  [client.visitors]
  match = ["*.lab", "token:*"]  # names, as in read and write
  rate = "200MB"                # bytes a second, of all copies of one client
  max_bytes = "1TiB"            # that one copy may move
  owner = "visitor:lab"         # who gets what they make

Where an export has neither read nor write, whoever is let in may read and write.

Sockets that the service manager has opened (systemd's rdmad.socket) are in the place of --listen.

SIGHUP has the configuration read again: exports, clients and --log-level count from then on,
for copies that begin; anything else needs a restart. SIGTERM and SIGINT drain: no
new sessions, those that run may end within --drain-timeout. A second signal ends
the daemon at once.`

const examples = `  rdmad --export scratch=/scratch --export models=/srv/models:ro
  rdmad --listen :7471 --tls-cert gpu7.crt --tls-key gpu7.key --tls-ca ca.crt --export scratch=/scratch
  rdmad --listen 10.0.0.7:7471 --insecure --export scratch=/scratch`

const exitTable = `Exit codes:
   0  drained and stopped
   1  the command line or the configuration is wrong
   3  a directory cannot be exported
  10  an address cannot be listened on
  13  a bug of this program
`

// The same of the commands below it.
const askingExitTable = `Exit codes:
   0  done
   1  the command line, the configuration or a certificate is wrong
   3  a directory cannot be exported
  10  no rdmad answers at the socket
  13  a bug of this program
  23  there is no such session or token
`

// Command is the whole command, for manual pages.
func Command() *cobra.Command {
	root := (&app{}).rootCommand(context.Background())
	root.Long += "\n\n" + exitTable
	return root
}

// rootCommand is the command with its flags.
func (a *app) rootCommand(ctx context.Context) *cobra.Command {
	root := &cobra.Command{
		Use:           "rdmad",
		Short:         "Serve files to rdmacp",
		Long:          long,
		Example:       examples,
		Version:       fmt.Sprintf("%s (%s %s/%s)", console.Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH),
		Args:          cobra.ArbitraryArgs, // checked below, in our own words
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return noCommand(cmd, args[0], "a directory is given by --export NAME=DIR; see rdmad --help")
			}
			again := func() (config, error) { return load(cmd.Flags(), a.io.Environ(), places(a.io.Environ())) }
			c, err := again()
			if err != nil {
				return err
			}
			return a.serve(ctx, c, again)
		},
	}
	root.SetIn(a.io.Stdin)
	root.SetOut(a.io.Stdout)
	root.SetErr(a.io.Stderr)
	root.CompletionOptions.HiddenDefaultCmd = true
	root.Flags().SortFlags = false
	addFlags(root.Flags())
	root.AddCommand(a.statusCommand(ctx), a.cancelCommand(ctx), a.tokenCommand(ctx), a.configCommand(), a.pkiCommand(), a.oneShotCommand(ctx)) //nolint:contextcheck // what is served by config check is nothing
	root.Flags().Bool("version", false, "print the version")                                                                                   // cobra's own would take -v
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return flagFault(cmd.Flags(), err) })
	help := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		help(cmd, args)
		table := exitTable
		if cmd.HasParent() {
			table = askingExitTable
		}
		_, _ = fmt.Fprint(cmd.OutOrStdout(), "\n", table)
	})
	return root
}

// group returns a command that only has others below it.
func group(cmd *cobra.Command) *cobra.Command {
	cmd.Args = cobra.ArbitraryArgs // checked here: cobra would print its help and be content
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return noCommand(cmd, args[0], "see "+cmd.CommandPath()+" --help")
		}
		return cmd.Help()
	}
	return cmd
}

// noCommand is the fault of a word that is none of cmd's commands.
func noCommand(cmd *cobra.Command, word, fix string) error {
	cmd.SuggestionsMinimumDistance = 2 // cobra's own choice, where it suggests by itself
	if near := cmd.SuggestionsFor(word); len(near) > 0 {
		fix = fmt.Sprintf("did you mean %s %s? see %s --help", cmd.CommandPath(), near[0], cmd.CommandPath())
	}
	return fault.New(fault.Usage, "reading the command line", fmt.Errorf("%s has no command %q", cmd.CommandPath(), word), fix)
}

// flagFault is the fault of a flag that cannot be read.
func flagFault(flags *pflag.FlagSet, err error) error {
	fix := "see rdmad --help"
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "" {
		if near := console.Nearest(unknown.GetSpecifiedName(), flagNames(flags)); near != "" {
			fix = fmt.Sprintf("did you mean --%s? see rdmad --help", near)
		}
	}
	return fault.New(fault.Usage, "reading the command line", err, fix)
}
