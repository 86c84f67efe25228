package rdmacp

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rdmacp/rdmacp/internal/device"
	"github.com/rdmacp/rdmacp/internal/fault"
)

// devicesCommand lists the RDMA rails of this host.
func (a *app) devicesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "devices [flags]",
		Short: "List the RDMA devices of this host",
		Long: `List the RDMA devices of this host, port by port, and what each is attached to.
One that cannot be used says why. Exit code 5 means that there is none.`,
		Args: cobra.ArbitraryArgs, // checked below, in our own words
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fault.New(fault.Usage, "reading the command line", errors.New("rdmacp devices takes no names"),
					"a file of that name is ./devices")
			}
			return a.listDevices()
		},
	}
	setGroups(cmd, []group{flagGroup("Flags", func(f *pflag.FlagSet) {
		f.BoolVar(&a.opts.json, "json", false, "write a JSON line for each device")
		addHelp(f)
	})})
	return cmd
}

// deviceLine is one rail as a line of JSON.
type deviceLine struct {
	head
	device.Rail
}

// listDevices writes the rails to stdout.
func (a *app) listDevices() error {
	rails, err := a.rails()
	if err != nil {
		return err
	}
	if a.opts.json {
		for _, r := range rails {
			if err := writeLine(a.io.Stdout, deviceLine{head{jsonVersion, "device"}, r}); err != nil {
				return stdoutFault(err)
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(a.io.Stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "DEVICE\tSTATE\tLINK\tSPEED\tNETDEV\tMTU\tRDMA MTU\tNUMA\tADDRESSES\tNOTE")
	for _, r := range rails {
		_, _ = fmt.Fprintln(w, strings.Join(railRow(r), "\t"))
	}
	if err := w.Flush(); err != nil {
		return stdoutFault(err)
	}
	return nil
}

// railRow is a rail as a row of the table.
func railRow(r device.Rail) []string {
	addresses := make([]string, 0, len(r.Addresses))
	for _, p := range r.Addresses {
		addresses = append(addresses, p.String())
	}
	number := func(n int) string {
		if n <= 0 {
			return "-"
		}
		return strconv.Itoa(n)
	}
	numa := "-"
	if r.NUMANode >= 0 {
		numa = strconv.Itoa(r.NUMANode)
	}
	note := r.Unusable()
	switch {
	case note == "" && r.LinkLocal():
		note = "link-local addresses only: give " + r.NetDev + " another, or name the device (--device)"
	case note == "":
		note = "ok"
	}
	speed := "-"
	if r.SpeedGbps > 0 {
		speed = strconv.FormatFloat(r.SpeedGbps, 'f', -1, 64) + " Gb/s"
	}
	return []string{
		r.Name(), r.State, string(r.LinkLayer), speed, orDash(r.NetDev), number(r.MTU), number(r.ActiveMTU),
		numa, orDash(strings.Join(addresses, ",")), note,
	}
}

// orDash keeps the columns of a table apart.
func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// stdoutFault is the fault of data that could not be written.
func stdoutFault(err error) error {
	if _, ok := fault.As(err); ok { // the user has interrupted it
		return err
	}
	return fault.New(fault.IO, "writing to standard output", bare(err), "see where standard output goes: a full disk, or a pipe that was closed")
}
