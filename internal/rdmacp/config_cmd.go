package rdmacp

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rdmacp/rdmacp/internal/conffile"
	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/fault"
)

const longConfig = `How a daemon is reached, and who the two ends are, need not be said each time. What
can be configured are the flags that rdmacp config show lists, by the same names:

  ~/.config/rdmacp/config.toml   the user's file ($XDG_CONFIG_HOME/rdmacp)
  /etc/rdmacp/config.toml        the host's
  RDMACP_TRANSPORT and so on     variables
  RDMACP_CONFIG                  a file in the place of both

A flag comes before a variable, a variable before the user's file, that before the
host's; in each file, what is said of a host goes before what is said of all.
What contradicts what comes before it is left out.

  transport = "rdma"
  token = "lab.token"        # beside this file

  [host.gpu7]                # as it is called on the command line
  address = "10.0.0.7"
  port = 7500

  [host."login.lab"]
  via-ssh = true

A file that others may write to is refused.`

// configCommand is about the configuration, and copies nothing.
func (a *app) configCommand() *cobra.Command {
	root := &cobra.Command{
		Use: "config", Short: "Check the configuration, or show it and where it comes from", Long: longConfig,
		Args: cobra.ArbitraryArgs, // checked here, in our own words
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage("reading the command line", fmt.Errorf("rdmacp config has no command %q", args[0]), "give show or check; a file of the name config is ./config")
			}
			return cmd.Help()
		},
	}
	origins := true
	show := &cobra.Command{
		Use: "show [flags] [HOST]", Short: "Show what holds, of all hosts or of one, and where each setting was said", Args: cobra.ArbitraryArgs,
		ValidArgsFunction: a.completeHost,
		RunE: func(cmd *cobra.Command, args []string) error {
			host, err := oneHost("show", args)
			if err != nil {
				return err
			}
			s, err := readSettings(a.io, a.dirs())
			if err != nil {
				return err
			}
			return s.show(a.io.Stdout, cmd.Flags(), host, origins)
		},
	}
	check := &cobra.Command{
		Use: "check [flags]", Short: "Check the files, the variables, and what is said of each host", Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage("reading the command line", fmt.Errorf("rdmacp config check takes no names, and was given %q", args[0]), "leave it out: all hosts are checked")
			}
			return a.checkConfig(cmd.Flags())
		},
	}
	setGroups(root, []group{flagGroup("Help", addHelp)})
	for _, cmd := range []*cobra.Command{show, check} {
		groups := (&options{}).configurable()
		if cmd == show {
			groups = append([]group{flagGroup("What is shown", func(f *pflag.FlagSet) {
				f.BoolVar(&origins, "origin", true, "say behind each setting where it was said")
			})}, groups...)
		}
		setGroups(cmd, groups)
		root.AddCommand(cmd)
	}
	return root
}

// configurable are the flags that can be configured.
func (o *options) configurable() []group {
	all := pflag.NewFlagSet("rdmacp", pflag.ContinueOnError)
	for _, g := range o.groups() {
		all.AddFlagSet(g.flags)
	}
	return []group{
		flagGroup("What can be configured", func(f *pflag.FlagSet) {
			for _, key := range keys() {
				f.AddFlag(all.Lookup(key))
			}
		}),
		flagGroup("Help", addHelp),
	}
}

// oneHost is the host that a command is about; empty for all.
func oneHost(command string, args []string) (string, error) {
	switch len(args) {
	case 0:
		return "", nil
	case 1:
		return hostAlone(args[0])
	}
	return "", usage("reading the command line", errors.New("rdmacp config "+command+" takes the name of one host, or none"), "give one as it is called in a copy")
}

// show writes what holds of a host, or of all and what is said of each.
func (s *settings) show(out io.Writer, flags *pflag.FlagSet, host string, origins bool) error {
	taken, err := s.resolve(host, flags)
	if err != nil {
		return err
	}
	w := conffile.NewWriter(out, origins)
	if v, ok := taken[keyAddress]; ok {
		w.Line(keyAddress, v.text, v.from)
	}
	for _, key := range keys() {
		f := flags.Lookup(key)
		v, ok := taken[key]
		switch {
		case f.Changed:
			v = said{f.Value.String(), "--" + key}
		case !ok:
			v = said{f.Value.String(), unsaid}
		}
		w.Line(key, typed(f, v.text), v.from)
	}
	if host == "" {
		if err := s.showHosts(w, flags); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return stdoutFault(err)
	}
	return nil
}

// showHosts writes what is said of each host.
func (s *settings) showHosts(w *conffile.Writer, flags *pflag.FlagSet) error {
	for _, name := range s.hosts() {
		w.Table(keyHost, name)
		all := layer{}
		for _, f := range slices.Backward(s.files) {
			l, err := f.layer(keyHost + conffile.Delim + name + conffile.Delim)
			if err != nil {
				return err
			}
			maps.Copy(all, l)
		}
		for _, key := range append([]string{keyAddress}, keys()...) {
			if v, ok := all[key]; ok {
				w.Line(key, typed(flags.Lookup(key), v.text), v.from)
			}
		}
	}
	return nil
}

// typed is a value of a flag's as a file has it.
func typed(f *pflag.Flag, text string) any {
	if f != nil && (f.Value.Type() == "int" || f.Value.Type() == "bool") {
		return unquoted(text)
	}
	return text
}

// unquoted is a text that TOML writes without quotes.
type unquoted string

// checkConfig checks what is said of all hosts, and of each.
func (a *app) checkConfig(flags *pflag.FlagSet) error {
	s, err := readSettings(a.io, a.dirs())
	if err != nil {
		return err
	}
	hosts := s.hosts()
	for _, host := range append([]string{""}, hosts...) {
		if err := a.checkHost(s, host, flags); err != nil {
			f, ok := fault.As(err)
			if !ok || host == "" {
				return err
			}
			told := *f
			told.What += " for " + host
			return &told
		}
	}
	for _, name := range s.ignored {
		_, _ = fmt.Fprintf(a.io.Stderr, "rdmacp: the environment variable %s means nothing\n", console.Escape(name))
	}
	files := "no file"
	for i, f := range s.files {
		if i == 0 {
			files = f.name
			continue
		}
		files += ", " + f.name
	}
	if _, err = fmt.Fprintf(a.io.Stdout, "%s: good, with %s\n", files, console.Count(int64(len(hosts)), "host", "hosts")); err != nil {
		return stdoutFault(err)
	}
	return nil
}

// checkHost checks what holds of a host.
func (a *app) checkHost(s *settings, host string, typed *pflag.FlagSet) error {
	taken, err := s.resolve(host, typed)
	if err != nil {
		return err
	}
	trial := &app{io: a.io, messages: &messages{w: a.io.Stderr}}
	flags := pflag.NewFlagSet("rdmacp", pflag.ContinueOnError)
	for _, g := range trial.opts.groups() {
		flags.AddFlagSet(g.flags)
	}
	typed.Visit(func(f *pflag.Flag) {
		if known := flags.Lookup(f.Name); known != nil {
			err = errors.Join(err, known.Value.Set(f.Value.String()))
			known.Changed = true
		}
	})
	if err != nil {
		return err
	}
	if err := trial.opts.adopt(flags, taken); err != nil {
		return err
	}
	if _, err := trial.opts.check(flags); err != nil {
		return err
	}
	if trial.opts.viaSSH {
		return nil
	}
	_, err = trial.credentials()
	return err
}
