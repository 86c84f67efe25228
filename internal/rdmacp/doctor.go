package rdmacp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/doctor"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/mr"
	"github.com/rdmacp/rdmacp/internal/mtls"
	"github.com/rdmacp/rdmacp/internal/transport"
)

const longDoctor = `rdmacp doctor looks at what copies need, one thing at a time: devices and ports,
memory that may be pinned, the kernel, certificates; with a HOST also whether its
daemon answers, and whether bytes get there and back, by TCP and by RDMA, and how
fast. --dir and HOST::EXPORT try the disk below a directory here and there: by a
file without a name, of 64 MiB at most, that is gone at once. Each line says what
was found, and what is to be done where that is not good. Nothing is changed.
docs/doctor.md explains the checks.

--via-ssh has ssh start an rdmad there for the look, as it does for a copy, and takes
[USER@]HOST or [USER@]HOST:DIR.

--bundle writes it to a file as well, with what it was found from, to go with a report
of a bug. Hosts, people and addresses have placeholders in it; it is sent nowhere.

The exit code is 0 if nothing failed, else that of the first failure, as a copy has it.`

// doctorCommand finds out what is wrong.
func (a *app) doctorCommand(ctx context.Context) *cobra.Command {
	var bundle string
	var p patient
	cmd := &cobra.Command{
		Use: "doctor [flags] [HOST | HOST::EXPORT[/DIR]]", Short: "Find out what is wrong, or slow",
		Long: longDoctor, Example: "  rdmacp doctor\n  rdmacp doctor --dir /data gpu7::data\n  rdmacp doctor --bundle report.tar.gz gpu7",
		Args: cobra.ArbitraryArgs, // checked below, in our own words
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage("reading the command line", errors.New("rdmacp doctor takes the name of one host, or none"), "give a host that runs rdmad: rdmacp doctor gpu7")
			}
			if len(args) == 1 {
				var err error
				if p.remote, err = aim(args[0], a.opts.viaSSH); err != nil {
					return err
				}
			}
			if err := errors.Join(p.settle(), free(bundle)); err != nil {
				return err
			}
			a.opts.chunkSize, a.opts.slots, a.opts.progress = defaultChunkSize, defaultSlots, "none"
			chunk, err := a.opts.check(cmd.Flags())
			if err != nil {
				return err
			}
			return a.doctor(ctx, p, chunk, bundle)
		},
	}
	cmd.ValidArgsFunction = a.completeHost
	setGroups(cmd, []group{
		flagGroup("Flags", func(f *pflag.FlagSet) {
			f.BoolVar(&a.opts.json, "json", false, "write a JSON line for each check")
			f.StringVar(&p.dir, "dir", "", "try the disk that a `directory` of this host lies on, too")
			f.StringVar(&bundle, "bundle", "", "write what was found to a new `file` too, a .tar.gz for a report, without names of hosts and people")
		}),
		flagGroup("The way", a.opts.addWay),
		flagGroup("Who is at the two ends (TLS)", a.opts.identifying.add),
		flagGroup("A daemon for this look only", a.opts.starting.add),
		flagGroup("Help", addHelp),
	})
	return cmd
}

// patient is what doctor looks at besides this host.
type patient struct {
	remote *remote // a host, or a directory there; nil: none
	dir    string  // of this host; empty: none
}

// settle makes the directory's name one that can stand alone.
func (p *patient) settle() (err error) {
	if p.dir != "" {
		p.dir, err = filepath.Abs(p.dir)
	}
	return err
}

// aim reads the name of a host, or of a directory on one; with login it is one that ssh knows.
func aim(arg string, login bool) (*remote, error) {
	if login {
		host, path, more := splitHost(arg)
		if !more {
			host, path = arg, ""
		}
		r, err := parseLogin(host, path)
		if err != nil {
			return nil, badName(arg, err, "with --via-ssh, give [USER@]HOST or [USER@]HOST:DIR")
		}
		return r, nil
	}
	name, err := hostAlone(arg)
	if err == nil {
		return &remote{Host: name}, nil
	}
	if _, bare := netip.ParseAddr(arg); bare == nil {
		return nil, err // of version 6, and without brackets
	}
	switch l, err := parseLocation(arg, false); {
	case err != nil:
		return nil, err
	case l.remote != nil:
		return l.remote, nil
	}
	return nil, badName(arg, errors.New("there is no host in it"), "give HOST, or HOST::EXPORT/DIR; a directory of this host is --dir "+arg)
}

// named reports whether it is more than a host.
func (r *remote) named() bool { return r.Export != "" || r.Path != "" }

// place is the directory there; nil if it is a host alone. Home is where relative names start.
func (r *remote) place(home string) *doctor.Place {
	if !r.named() {
		return nil
	}
	name := r.Host + ":" + r.Path
	if r.Export != "" {
		name = r.Host + "::" + path.Join(r.Export, r.Path)
	}
	return &doctor.Place{Name: name, Target: r.target(home)}
}

// doctor looks at this host, and at the way to another, and writes a bundle if that is named.
// The disk comes last: the wire has shown by then what it has to keep up with.
func (a *app) doctor(ctx context.Context, p patient, chunk int, bundle string) error {
	a.what, a.messages = "looking for what is wrong", &messages{w: a.io.Stderr}
	var all []doctor.Finding
	var failed error // of writing to stdout
	say := func(f doctor.Finding) {
		all = append(all, f)
		failed = errors.Join(failed, a.tell(f))
	}
	proof, err := a.identity()
	defer a.closeShot()
	host := doctor.Host{By: a.opts.kind(), OwnKeys: a.opts.viaSSH, Rails: a.rails, Limit: mr.NewBudget().Limit, Pins: uint64(a.opts.slots * chunk), //nolint:gosec // both were checked
		TLS: proof, TLSErr: err}
	host.LookAround()
	for _, f := range host.Local() {
		say(f)
	}
	var wire doctor.Wire
	if p.remote != nil && err == nil {
		o, err := a.dialOptions(ctx, job{dst: location{remote: p.remote}, sources: []location{{remote: p.remote}}}, chunk)
		if err != nil {
			return err
		}
		wire = host.Peer(ctx, o, p.remote.place(a.home()), say)
	}
	if p.dir != "" {
		say(doctor.Disk(ctx, p.dir, wire[transport.Get]))
	} else if p.remote == nil || !p.remote.named() {
		say(doctor.NoDisk())
	}
	if bundle != "" {
		if err := a.bundle(bundle, host, all, p); err != nil {
			return err
		}
	}
	if failed != nil {
		return stdoutFault(failed)
	}
	return verdict(all)
}

// identity is what proves to a daemon who this end is. One that ssh starts gets keys of its own.
func (a *app) identity() (*mtls.Store, error) {
	if a.opts.viaSSH {
		return nil, nil
	}
	return a.credentials()
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
	f := fault.New(worst.Code, fmt.Sprintf("%d of %s failed", len(ids), console.Count(int64(len(all)), "check", "checks")),
		errors.New(strings.Join(ids, ", ")), "do what is said of them, the first one first")
	f.Check = ids[0]
	return f
}

// checkLine is a finding as a line of JSON.
type checkLine struct {
	head
	ID       string `json:"id"`
	Host     string `json:"host,omitempty"` // that has found it of itself; none: this one
	Status   string `json:"status"`         // ok, warn, fail or skip
	Observed string `json:"observed"`
	Expected string `json:"expected"`
	Code     string `json:"code,omitempty"` // of a failure, as in an error line
	Fix      string `json:"fix,omitempty"`
}

// newCheckLine is a finding as a line.
func newCheckLine(f doctor.Finding) checkLine {
	line := checkLine{head: head{jsonVersion, "check"}, ID: f.ID, Host: f.Host, Status: string(f.Status), Observed: f.Observed, Expected: f.Expected}
	if f.Fault != nil {
		line.Fix = f.Fault.Fix
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
	said := line.Observed
	if f.Host != "" {
		said = f.Host + ": " + said
	}
	text := fmt.Sprintf("[%4s] %-11s  %s\n", line.Status, line.ID, console.Escape(said))
	if f.Status == doctor.Warn || f.Status == doctor.Fail {
		text += fmt.Sprintf("       %-11s  expected: %s\n", "", console.Escape(f.Expected))
	}
	if line.Fix != "" {
		text += fmt.Sprintf("       %-11s  fix: %s\n", "", console.Escape(line.Fix))
	}
	_, err := io.WriteString(a.io.Stdout, text)
	return err
}
