package rdmacp

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rdmacp/rdmacp/internal/console"
)

// configure reads the configuration for a command that reaches a daemon, ahead of it.
func (a *app) configure(cmd *cobra.Command, args []string) error {
	if cmd.Flags().Lookup("connect-timeout") == nil || cmd.Parent() != nil && cmd.Parent().Name() == "config" {
		return nil
	}
	s, err := readSettings(a.io, a.dirs())
	if err != nil {
		return err
	}
	taken, err := s.resolve(hostAmong(args, cmd.HasParent() && cmd.Name() != "verify"), cmd.Flags())
	if err != nil {
		return err
	}
	if !a.opts.quiet {
		for _, line := range s.slips() {
			_, _ = fmt.Fprintln(a.io.Stderr, "rdmacp:", console.Escape(line))
		}
	}
	return a.opts.adopt(cmd.Flags(), taken)
}

// hostAmong is the host that names on the command line are on, as it was typed; empty for
// none. Where alone is true, a name can be a host without a path.
func hostAmong(args []string, alone bool) string {
	for _, arg := range args {
		for _, login := range []bool{false, true} {
			if l, err := parseLocation(arg, login); err == nil && l.remote != nil {
				return l.remote.Host
			}
		}
	}
	if alone && len(args) > 0 {
		if name, err := hostAlone(args[len(args)-1]); err == nil {
			return name
		}
	}
	return ""
}
