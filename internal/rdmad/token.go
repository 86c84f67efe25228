package rdmad

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/rdmacp/rdmacp/internal/admin"
	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/fault"
)

const longToken = `rdmad token lets somebody copy who has no certificate here: once, to or from one place
of an export, and not for long. The daemon on this host has to speak TLS, and to have an admin
socket (rdmad --admin).

  rdmad token create models/llama-7b for-bob.token            to be fetched, once, today
  rdmad token create --write scratch/in for-bob.token         to be put into that directory

Whoever has the file can use it: send it by a way that you trust. There:

  rdmacp --token for-bob.token -r gpu7::models/llama-7b .
  rdmacp --token for-bob.token results.tar gpu7::scratch/in/

A copy that is interrupted goes on by the same command; one that ends well counts. The place
stays what it was, whatever is renamed or linked later; who may write there can replace what is
there, but neither list, read nor remove it. The daemon keeps its tokens in memory: a restart
takes them all back.`

// tokenCommand is rdmad token.
func (a *app) tokenCommand(ctx context.Context) *cobra.Command {
	var socket string
	cmd := group(&cobra.Command{Use: "token", Short: "Let somebody copy who has no certificate", Long: longToken})
	cmd.PersistentFlags().StringVar(&socket, keyAdmin, defaultAdmin, "`path` of the admin socket")
	cmd.AddCommand(a.tokenCreate(ctx, &socket), a.tokenList(ctx, &socket), tokenRevoke(ctx, &socket))
	return cmd
}

func (a *app) tokenCreate(ctx context.Context, socket *string) *cobra.Command {
	var q admin.TokenRequest
	life := 24 * time.Hour
	cmd := &cobra.Command{
		Use: "create EXPORT[/PATH] FILE", Short: "Give a token, and write it to a file (-: standard output)", Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 || args[1] == "" {
				return fault.New(fault.Usage, "reading the command line", errors.New("rdmad token create takes a place and a file"),
					"name what the token is for, as EXPORT/PATH, and the file that it is to be written to")
			}
			if !utf8.ValidString(args[0]) {
				return fault.New(fault.Usage, "reading the command line", errors.New("the place has bytes in it that are not UTF-8"), "give a token for a directory above it")
			}
			q.Export, q.Path, _ = strings.Cut(args[0], "/")
			q.Seconds = life.Seconds()
			return a.giveToken(ctx, *socket, q, args[1])
		},
	}
	cmd.Flags().BoolVar(&q.Write, "write", false, "it is to be written to, and not to be read")
	cmd.Flags().DurationVar(&life, "expires", life, "`time` until it expires")
	cmd.Flags().IntVar(&q.Copies, "copies", 1, "`number` of copies that it is for")
	return cmd
}

// giveToken asks for a token and writes it to a file, which is made first.
func (a *app) giveToken(ctx context.Context, socket string, q admin.TokenRequest, name string) (err error) {
	out, sure := a.io.Stdout, func() error { return nil }
	if name != "-" {
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return fault.New(fault.Usage, "making "+name, errors.Unwrap(err), "give the name of a file that does not exist yet, in a directory that you may write to")
		}
		out, sure = f, func() error { return errors.Join(f.Sync(), f.Close()) }
	}
	var t admin.Token
	err = ask(ctx, socket, http.MethodPost, "/v1/tokens", q, &t)
	if err == nil {
		if _, err = fmt.Fprint(out, t.File); err != nil {
			_ = ask(ctx, socket, http.MethodDelete, "/v1/tokens/"+t.ID, nil, nil) // nobody has it
		}
	}
	if err = errors.Join(err, sure()); err != nil {
		if name != "-" {
			_ = os.Remove(name) // if it stays, it is no token
		}
		return err
	}
	use := fmt.Sprintf("rdmacp --token FILE -r HOST::%s .", path.Join(t.Export, t.Path))
	if t.Write {
		use = fmt.Sprintf("rdmacp --token FILE -r WHAT HOST::%s", path.Join(t.Export, t.Path))
	}
	_, err = fmt.Fprintf(a.io.Stderr, "token %s: %s of %s, until %s; its holder says: %s\n", t.ID,
		console.Count(int64(t.Left), "copy", "copies"), console.Escape(path.Join(t.Export, t.Path)), t.Expires.Local().Format(time.DateTime), console.Escape(use))
	return err
}

func (a *app) tokenList(ctx context.Context, socket *string) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "Show the tokens that can be used", Args: noArgs("token list"),
		RunE: func(*cobra.Command, []string) error {
			var list []admin.Token
			if err := ask(ctx, *socket, http.MethodGet, "/v1/tokens", nil, &list); err != nil {
				return err
			}
			w := tabwriter.NewWriter(a.io.Stdout, 0, 0, 2, ' ', 0)
			_, _ = fmt.Fprintln(w, "TOKEN\tMAY\tCOPIES LEFT\tEXPIRES\tPLACE")
			for _, t := range list {
				may := "read"
				if t.Write {
					may = "write"
				}
				_, _ = fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\n", t.ID, may, t.Left, t.Expires.Local().Format(time.DateTime), console.Escape(path.Join(t.Export, t.Path)))
			}
			return w.Flush()
		},
	}
}

func tokenRevoke(ctx context.Context, socket *string) *cobra.Command {
	return &cobra.Command{
		Use: "revoke TOKEN", Short: "Take a token back; a copy that runs by it goes on", Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || args[0] == "" {
				return fault.New(fault.Usage, "reading the command line", errors.New("rdmad token revoke takes one token"), "name one of those that rdmad token list shows")
			}
			err := ask(ctx, *socket, http.MethodDelete, "/v1/tokens/"+url.PathEscape(args[0]), nil, nil)
			if errors.Is(err, admin.ErrNone) {
				return fault.New(fault.NotFound, "revoking "+args[0], errors.New("there is no such token"), "rdmad token list shows those that there are")
			}
			return err
		},
	}
}
