package rdmacp

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/doctor"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/mr"
)

const longDoctor = `rdmacp doctor looks at what copies need, one thing at a time: devices and ports,
memory that may be pinned, the kernel, certificates; with a HOST also whether its
daemon answers, and whether bytes get there and back, by TCP and by RDMA, and how
fast. Each line says what was found, and what is to be done where that is not good.
Nothing is changed. docs/doctor.md explains the checks.

--bundle writes it to a file as well, with what it was found from, to go with a report
of a bug. Hosts, people and addresses have placeholders in it; it is sent nowhere.

The exit code is 0 if nothing failed, else that of the first failure, as a copy has it.`

// doctorCommand finds out what is wrong.
func (a *app) doctorCommand(ctx context.Context) *cobra.Command {
	var bundle string
	cmd := &cobra.Command{
		Use: "doctor [flags] [HOST]", Short: "Find out what is wrong, or slow",
		Long: longDoctor, Example: "  rdmacp doctor\n  rdmacp doctor gpu7\n  rdmacp doctor --bundle report.tar.gz gpu7",
		Args: cobra.ArbitraryArgs, // checked below, in our own words
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage("reading the command line", errors.New("rdmacp doctor takes the name of one host, or none"), "give a host that runs rdmad: rdmacp doctor gpu7")
			}
			if err := free(bundle); err != nil {
				return err
			}
			a.opts.chunkSize, a.opts.slots, a.opts.progress = defaultChunkSize, defaultSlots, "none"
			chunk, err := a.opts.check(cmd.Flags())
			if err != nil {
				return err
			}
			return a.doctor(ctx, args, chunk, bundle)
		},
	}
	setGroups(cmd, []group{
		flagGroup("Flags", func(f *pflag.FlagSet) {
			f.BoolVar(&a.opts.json, "json", false, "write a JSON line for each check")
			f.StringVar(&bundle, "bundle", "", "write what was found to a new `file` too, a .tar.gz for a report, without names of hosts and people")
		}),
		flagGroup("The way", a.opts.addWay),
		flagGroup("Who is at the two ends (TLS)", a.opts.identifying.add),
		flagGroup("Help", addHelp),
	})
	return cmd
}

// doctor looks at this host, and at the way to another, and writes a bundle if that is named.
func (a *app) doctor(ctx context.Context, hosts []string, chunk int, bundle string) error {
	a.what, a.messages = "looking for what is wrong", &messages{w: a.io.Stderr}
	var all []doctor.Finding
	var failed error // of writing to stdout
	say := func(f doctor.Finding) {
		all = append(all, f)
		failed = errors.Join(failed, a.tell(f))
	}
	proof, err := a.credentials()
	host := doctor.Host{By: a.opts.kind(), Rails: a.rails, Limit: mr.NewBudget().Limit, Pins: uint64(a.opts.slots * chunk), //nolint:gosec // both were checked
		TLS: proof, TLSErr: err}
	host.LookAround()
	for _, f := range host.Local() {
		say(f)
	}
	if len(hosts) == 1 && err == nil {
		if err := a.lookAtPeer(ctx, hosts[0], chunk, say); err != nil {
			return err
		}
	}
	if bundle != "" {
		if err := a.bundle(bundle, host, all, hosts); err != nil {
			return err
		}
	}
	if failed != nil {
		return stdoutFault(failed)
	}
	return verdict(all)
}

// lookAtPeer looks at the way to another host.
func (a *app) lookAtPeer(ctx context.Context, host string, chunk int, say func(doctor.Finding)) error {
	name, err := hostAlone(host)
	if err != nil {
		return err
	}
	to := location{remote: &remote{Host: name}}
	o, err := a.dialOptions(ctx, job{dst: to, sources: []location{to}}, chunk)
	if err != nil {
		return err
	}
	doctor.Peer(ctx, o, say)
	return nil
}

// verdict is how the command ends.
func verdict(all []doctor.Finding) error {
	worst := doctor.Worst(all)
	if worst == nil {
		return nil
	}
	var ids []string
	for _, f := range all {
		if f.Status == doctor.Fail {
			ids = append(ids, f.ID)
		}
	}
	return fault.New(worst.Code, fmt.Sprintf("%d of %s failed", len(ids), console.Count(int64(len(all)), "check", "checks")),
		errors.New(strings.Join(ids, ", ")), "do what is said of them, the first one first")
}

// checkLine is a finding as a line of JSON.
type checkLine struct {
	head
	ID       string `json:"id"`
	Status   string `json:"status"` // ok, warn, fail or skip
	Observed string `json:"observed"`
	Expected string `json:"expected,omitempty"` // of what could be better, or failed
	Code     string `json:"code,omitempty"`     // of a failure, as in an error line
	Fix      string `json:"fix,omitempty"`
}

// newCheckLine is a finding as a line.
func newCheckLine(f doctor.Finding) checkLine {
	line := checkLine{head: head{jsonVersion, "check"}, ID: f.ID, Status: string(f.Status), Observed: f.Observed}
	if f.Fault != nil {
		line.Expected, line.Fix = f.Expected, f.Fault.Fix
	}
	if f.Status == doctor.Fail {
		line.Code = f.Fault.Code.String()
	}
	return line
}

// tell writes a finding to stdout.
func (a *app) tell(f doctor.Finding) error {
	line := newCheckLine(f)
	if a.opts.json {
		return writeLine(a.io.Stdout, line)
	}
	_, err := fmt.Fprintf(a.io.Stdout, "[%4s] %-8s  %s\n", line.Status, line.ID, console.Escape(line.Observed))
	if err == nil && line.Fix != "" {
		_, err = fmt.Fprintf(a.io.Stdout, "       %-8s  fix: %s\n", "", console.Escape(line.Fix))
	}
	return err
}
