package rdmad

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/pki"
)

// defaultPKI is where the CA lies.
const defaultPKI = "/etc/rdmad/pki"

// day is what lives of certificates are counted in.
const day = 24 * time.Hour

const longPKI = `rdmad pki makes what two ends need to prove to one another who they are: a small
certificate authority in a directory, for clusters that have none. Any other PKI
does as well: rdmad and rdmacp take PEM files.

  rdmad pki init                                  once, on a host that you guard
  rdmad pki issue gpu7 --host gpu7.cluster --host 10.0.0.7     for a daemon
  rdmad pki issue alice                           for a person, or a host that only copies

Take ca.crt, NAME.crt and NAME.key to where they belong, by a way that you trust:
to a daemon as --tls-ca, --tls-cert and --tls-key, to a client as ca.crt, client.crt
and client.key in ~/.config/rdmacp or /etc/rdmacp. ca.key stays where it is. Renewed
files and a new ca.crl take effect with the next connection, without a restart.`

// pkiCommand is rdmad pki.
func (a *app) pkiCommand() *cobra.Command {
	var dir string
	cmd := group(&cobra.Command{Use: "pki", Short: "Make certificates for daemons and clients", Long: longPKI})
	cmd.PersistentFlags().StringVar(&dir, "dir", defaultPKI, "`directory` of the CA")
	cmd.AddCommand(a.pkiInit(&dir), a.pkiIssue(&dir), a.pkiRevoke(&dir))
	return cmd
}

func (a *app) pkiInit(dir *string) *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use: "init", Short: "Make a CA", Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fault.New(fault.Usage, "reading the command line", errors.New("rdmad pki init takes no names"), "its directory is given by --dir")
			}
			ca, err := pki.Init(*dir, name)
			if err != nil {
				return err
			}
			return a.say("made a CA: %s (take it to every host), %s (revoked certificates); its key stays in %s\n", ca.CertFile(), ca.CRLFile(), *dir)
		},
	}
	cmd.Flags().StringVar(&name, "name", "rdmacp CA", "`name` of the CA, for people")
	return cmd
}

func (a *app) pkiIssue(dir *string) *cobra.Command {
	var r pki.Request
	var days int
	cmd := &cobra.Command{
		Use: "issue NAME", Short: "Issue a certificate for a daemon (--host) or a client", Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			ca, err := openCA(*dir, args, "issue")
			if err != nil {
				return err
			}
			r.Name, r.Life = args[0], time.Duration(days)*day
			made, err := ca.Issue(r)
			if err != nil {
				return err
			}
			use := "a client's: as client.crt and client.key beside ca.crt in ~/.config/rdmacp or /etc/rdmacp"
			if len(r.Hosts) > 0 {
				use = "a daemon's: rdmad --tls-cert " + made.Cert + " --tls-key " + made.Key + " --tls-ca " + ca.CertFile() + "; or a client's"
			}
			return a.say("issued %s and %s, in force until %s; %s\n", made.Cert, made.Key, made.Until.Format(time.DateOnly), use)
		},
	}
	cmd.Flags().StringArrayVar(&r.Hosts, "host", nil, "name or address that a daemon with it is reached by; may be repeated")
	cmd.Flags().IntVar(&days, "days", 365, "`number` of days that it is in force")
	cmd.Flags().BoolVar(&r.Renew, "renew", false, "take the place of the one that NAME has; revoke that first if its key is lost")
	return cmd
}

func (a *app) pkiRevoke(dir *string) *cobra.Command {
	return &cobra.Command{
		Use: "revoke NAME|FILE", Short: "Put a certificate on the list of those that are not to be trusted any more", Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			ca, err := openCA(*dir, args, "revoke")
			if err != nil {
				return err
			}
			if err := ca.Revoke(args[0]); err != nil {
				return err
			}
			return a.say("revoked; take %s to every host: there it lies beside ca.crt, or --tls-crl names it\n", ca.CRLFile())
		},
	}
}

// openCA opens the CA for a command that takes one name.
func openCA(dir string, args []string, command string) (*pki.CA, error) {
	if len(args) != 1 {
		return nil, fault.New(fault.Usage, "reading the command line", fmt.Errorf("rdmad pki %s takes one name, not %d", command, len(args)), "see rdmad pki --help")
	}
	return pki.Open(dir)
}

// say writes a line for the user.
func (a *app) say(format string, args ...any) error {
	_, err := fmt.Fprintf(a.io.Stdout, format, args...)
	return err
}
