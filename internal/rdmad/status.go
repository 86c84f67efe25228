package rdmad

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/rdmacp/rdmacp/internal/admin"
	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/fault"
)

// lookApart is the time between the two looks that a rate is made of.
const lookApart = time.Second

// statusCommand shows what the daemon of this host does.
func (a *app) statusCommand(ctx context.Context) *cobra.Command {
	var socket string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show what the daemon on this host does",
		Long: `Show what the rdmad on this host does: its sessions, what each has moved and how fast,
over a second. It has to be asked at its admin socket (rdmad --admin).`,
		Args: noArgs("status"),
		RunE: func(*cobra.Command, []string) error { return a.status(ctx, socket, asJSON) },
	}
	cmd.Flags().StringVar(&socket, keyAdmin, defaultAdmin, "`path` of the admin socket")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write what the daemon says, as JSON")
	return cmd
}

// cancelCommand cancels a session of the daemon of this host.
func (a *app) cancelCommand(ctx context.Context) *cobra.Command {
	var socket string
	cmd := &cobra.Command{
		Use:   "cancel SESSION",
		Short: "Cancel a session of the daemon on this host",
		Long: `Cancel a session of the rdmad on this host, by the name that rdmad status and the logs of both
ends have for it. Its copy ends, names show no partial file, and the same command goes on
where it stopped.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || args[0] == "" {
				return fault.New(fault.Usage, "reading the command line", errors.New("rdmad cancel takes one session"), "name one of those that rdmad status shows")
			}
			err := ask(ctx, socket, http.MethodPost, "/v1/sessions/"+url.PathEscape(args[0])+"/cancel", nil, nil)
			if errors.Is(err, admin.ErrNone) {
				return fault.New(fault.NotFound, "cancelling "+args[0], errors.New("there is no such session"), "rdmad status shows those that are open")
			}
			return err
		},
	}
	cmd.Flags().StringVar(&socket, keyAdmin, defaultAdmin, "`path` of the admin socket")
	return cmd
}

// noArgs refuses arguments in our own words.
func noArgs(name string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return fault.New(fault.Usage, "reading the command line", fmt.Errorf("rdmad %s takes no %q", name, args[0]), "see rdmad "+name+" --help")
		}
		return nil
	}
}

// ask asks the daemon of this host.
func ask(ctx context.Context, socket, method, what string, in, out any) error {
	err := admin.Ask(ctx, socket, method, what, in, out)
	if _, refused := fault.As(err); err == nil || refused || errors.Is(err, admin.ErrNone) {
		return err
	}
	fix := "start it with --admin " + socket + ", or name its socket with --admin"
	switch {
	case errors.Is(err, fs.ErrPermission):
		fix = "ask as the user that rdmad runs as, as one of its group, or as root"
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		err = errNoDaemon
	}
	return fault.New(fault.Unreachable, "asking the daemon at "+socket, err, fix)
}

// status shows what the daemon does.
func (a *app) status(ctx context.Context, socket string, asJSON bool) error {
	var before, now admin.Status
	if err := ask(ctx, socket, http.MethodGet, "/v1/status", nil, &before); err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(a.io.Stdout).Encode(before)
	}
	select {
	case <-time.After(lookApart):
	case <-ctx.Done():
	}
	if err := ask(ctx, socket, http.MethodGet, "/v1/status", nil, &now); err != nil {
		return err
	}
	_, err := fmt.Fprint(a.io.Stdout, table(before, now))
	return err
}

// table is two looks at a daemon as text.
func table(before, now admin.Status) string {
	earlier := map[string]uint64{}
	for _, s := range before.Sessions {
		earlier[s.ID] = s.Bytes
	}
	apart := now.At.Sub(before.At)
	var b strings.Builder
	_, _ = fmt.Fprintf(&b, "rdmad %s, process %d, up %s, listening on %s: %s, %s moved, %s\n", now.Version, now.PID,
		console.Duration(now.At.Sub(now.Started)), strings.Join(now.Listening, ", "), console.Count(int64(len(now.Sessions)), "session", "sessions"),
		console.Bytes(int64(now.Bytes)), console.Rate(console.Speed(int64(now.Bytes-before.Bytes), apart)))
	if len(now.Sessions) == 0 {
		return b.String()
	}
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "\nSESSION\tPEER\tIDENTITY\tWAY\tDEVICE\tFOR\tMOVED\tRATE\tBY A CPU\tMOSTLY\tWHERE")
	for _, s := range now.Sessions {
		rate := console.Rate(console.Speed(int64(s.Bytes-min(earlier[s.ID], s.Bytes)), apart))
		_, _ = fmt.Fprintln(w, strings.Join([]string{
			s.ID, s.Peer, console.Escape(strings.Join(s.Identity, ",")), s.Direction + " by " + s.Transport, s.Device, console.Duration(now.At.Sub(s.Since)),
			console.Bytes(int64(s.Bytes)), rate, console.Bytes(int64(s.Copied)), mostly(s.Stages), console.Escape(where(s)),
		}, "\t"))
	}
	_ = w.Flush() // into memory
	return b.String()
}

// where is what a session's transfer is about.
func where(s admin.Session) string {
	if s.Export == "" && s.Path == "" {
		return "-"
	}
	return path.Join(s.Export, s.Path)
}

// mostly is the stage that chunks have spent the most time in.
func mostly(stages map[string]int64) string {
	longest := ""
	for name, ms := range stages {
		if longest == "" || ms > stages[longest] || ms == stages[longest] && name < longest {
			longest = name
		}
	}
	return cmp.Or(longest, "-")
}
