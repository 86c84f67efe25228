package rdmacp

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/pflag"

	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/mtls"
	"github.com/rdmacp/rdmacp/internal/oneshot"
)

// starting is the flags about a daemon that this command starts itself.
type starting struct {
	viaSSH    bool
	shell     string
	rdmadPath string
}

// add defines the flags.
func (s *starting) add(f *pflag.FlagSet) {
	f.BoolVar(&s.viaSSH, "via-ssh", false, "have ssh start an rdmad there for this copy, as the user that you log in as: names are [user@]host:path, relative to the home directory, and what ~/.ssh/config calls hosts. Only the start goes by ssh")
	f.StringVarP(&s.shell, "rsh", "e", "ssh", "the remote shell of --via-ssh as a `command`, split at spaces: 'ssh -p 2222'")
	f.StringVar(&s.rdmadPath, "rdmad-path", "rdmad", "what the remote shell of --via-ssh runs there, `where` rdmad is not on its PATH")
}

// checkStart refuses what contradicts --via-ssh, or is nothing without it.
func (o *options) checkStart(f *pflag.FlagSet) error {
	if !o.viaSSH {
		for _, name := range []string{"rsh", "rdmad-path"} {
			if changed(f, name) {
				return conflict("--"+name, "it is for --via-ssh, which is not there", "add --via-ssh, or drop it")
			}
		}
		return nil
	}
	switch {
	case len(strings.Fields(o.shell)) == 0:
		return badFlag("rsh", o.shell, "there is no command in it", "give one, as in --rsh 'ssh -p 2222'")
	case o.rdmadPath == "":
		return badFlag("rdmad-path", o.rdmadPath, "there is no command in it", "give where rdmad lies on the other host")
	case changed(f, "port"):
		return conflict("--via-ssh --port", "the rdmad that is started takes a port that is free", "drop --port; a port of ssh's goes into --rsh 'ssh -p 2222', or into ~/.ssh/config")
	case o.insecure || o.token != "" || o.tls != (mtls.Files{}):
		return conflict("--via-ssh", "it has keys of its own, made for one copy; --insecure, --token and the --tls flags are for a daemon that is there", "drop them, or --via-ssh")
	}
	return nil
}

// reach says where the daemon listens, and what proves to it who this end is. With
// --via-ssh it is started, unless the one of an earlier connection is still there.
func (a *app) reach(ctx context.Context, r *remote) (address string, proof *mtls.Store, err error) {
	if !a.opts.viaSSH {
		proof, err = a.credentials()
		return a.at(r).address(a.opts.port), proof, err
	}
	if a.shot == nil || !a.shot.Alive() {
		a.shot, err = oneshot.Start(ctx, oneshot.Command{
			Shell: strings.Fields(a.opts.shell), Login: r.destination(), Host: r.Host, Program: a.opts.rdmadPath,
			Version: console.Version(), Stderr: a.io.Stderr, Logger: newLogger(a.messages, a.opts.verbose),
		})
		if err != nil {
			a.shot = nil
			return "", nil, err
		}
	}
	return a.shot.Address, a.shot.TLS, nil
}

// at is the host where the configuration says that it is.
func (a *app) at(r *remote) *remote {
	if a.opts.address == "" {
		return r
	}
	there := *r
	there.Host = a.opts.address
	return &there
}

// unreached says of a daemon that is not reached what can be the matter, where that is up
// to the flags: one that wants to see certificates, and one that was started by ssh.
func (a *app) unreached(err error) error {
	f, ok := fault.As(err)
	if ok && f.Code == fault.Unproven && a.opts.insecure {
		said := *f
		said.Fix = "drop --insecure; without certificates in ~/.config/rdmacp or /etc/rdmacp, " + f.Fix
		return &said
	}
	if !ok || a.shot == nil || f.Code != fault.Unreachable && f.Code != fault.ConnectTimeout {
		return err
	}
	said := *f
	said.Fix = "the remote shell got there, and this TCP port is not reached: let the free ports of that host through (sysctl net.ipv4.ip_local_port_range), or run a daemon there, which needs one port only, and leave out --via-ssh"
	return &said
}

// home is where relative names start on the other host; empty where that is not known.
func (a *app) home() string {
	if a.shot == nil {
		return ""
	}
	return a.shot.Home
}

// closeShot ends the rdmad that was started for this command.
func (a *app) closeShot() {
	if a.shot != nil {
		_ = a.shot.Close() // it has no errors of its own
	}
}

// checkLogin refuses names that --via-ssh has no meaning for.
func (j job) checkLogin(login bool) error {
	if r := j.remote(); login && r.Port != 0 {
		return usage(j.what(), errors.New("with --via-ssh rdmad has no port of its own"), "drop the port; ssh's goes into --rsh 'ssh -p 2222', or into ~/.ssh/config")
	}
	return nil
}
