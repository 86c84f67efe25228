//go:build linux

// Package host is the testbed's host side: it boots the guests, runs the command in the first of them, and brings
// back what it printed and left.
package host

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Options is a command line, parsed.
type Options struct {
	Command     []string
	PeerCommand string
	PeerPort    int
	Nodes       int
	Rails       int
	MTU         int
	Memory      string
	CPUs        int
	Kernel      string
	Netem       []string
	Timeout     time.Duration
	Collect     []string
	Output      string
	HugePages   int
	Memlock     int64
	Disk        string
	Env         []string
	NUMA        bool
	NoRXE       bool
	Verbose     bool

	cache string
	accel string
}

// cpus is how many CPUs a host gets.
func (o *Options) cpus() int {
	switch {
	case o.CPUs != 0:
		return o.CPUs
	case o.Nodes > 1 && o.accel == tcg:
		return 1
	}
	return 2
}

const maxNodes = 9

const usage = `usage: vm [OPTION...] -- COMMAND [ARG...]

Boots Soft-RoCE hosts in QEMU and runs COMMAND on the first, in the current folder. The guests' root is this host's,
read-only. The exit status is the command's; 124 after the time limit, 125 when the testbed itself failed.
See docs/testbed.md.

`

// Parse reads a command line. What is wrong with it, and help, is written to w; the error is flag.ErrHelp for help.
func Parse(args []string, w io.Writer) (*Options, error) {
	o := &Options{}
	flags := flag.NewFlagSet("vm", flag.ContinueOnError)
	flags.SetOutput(w)
	flags.Usage = func() {
		_, _ = io.WriteString(w, usage)
		flags.PrintDefaults()
	}
	flags.IntVar(&o.Nodes, "nodes", 1, "how many `hosts`: node1, node2 and so on")
	flags.IntVar(&o.Rails, "rails", 0, "rxe `devices` per host (default 2 for one host, wired to each other; else 1)")
	flags.IntVar(&o.MTU, "mtu", 9000, "MTU of the wires, in `bytes`")
	flags.StringVar(&o.Memory, "memory", "2G", "memory per host, as a `size` that QEMU knows")
	flags.IntVar(&o.CPUs, "cpus", 0, "CPUs per host (default 2; 1 where several hosts are emulated)")
	flags.StringVar(&o.Kernel, "kernel", "", "guest `kernel`: 6.1, 6.12 or a folder with boot/ and lib/modules/ (default the newest of hack/deps)")
	list(flags, &o.Netem, "netem", "tc-netem `setting` for each end of every wire, such as 'delay 1ms loss 1%'; "+
		"0:SETTING is for wire 0 only; repeatable")
	flags.DurationVar(&o.Timeout, "timeout", 10*time.Minute, "time limit for everything")
	flags.StringVar(&o.PeerCommand, "peer-command", "", "shell `command` to run on every other host meanwhile")
	flags.IntVar(&o.PeerPort, "peer-port", 0, "start COMMAND only once every other host listens on this TCP `port`")
	list(flags, &o.Collect, "collect", "file or folder to bring back from each host, to OUTPUT/NODE/; "+
		"a `path` in the guest; repeatable")
	flags.StringVar(&o.Output, "output", ".", "the `folder` for --collect")
	flags.IntVar(&o.HugePages, "hugepages", 0, "2 MiB huge `pages` to reserve")
	flags.Int64Var(&o.Memlock, "memlock", -1, "RLIMIT_MEMLOCK in `bytes`, binding for root too (default unlimited)")
	flags.StringVar(&o.Disk, "disk", "1G", "`size` of the ext4 scratch disk at /scratch; 0 for none")
	list(flags, &o.Env, "env", "`NAME[=VALUE]` to set in the guest; repeatable")
	flags.BoolVar(&o.NUMA, "numa", false, "two NUMA nodes per host, with the NICs at the second; wants an even number of CPUs")
	flags.BoolVar(&o.NoRXE, "no-rxe", false, "do not make the rxe devices")
	flags.BoolVar(&o.Verbose, "verbose", false, "say what is done and how long it takes")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	o.Command = flags.Args()
	if err := o.check(); err != nil {
		_, _ = fmt.Fprintln(w, "vm:", err)
		return nil, err
	}
	return o, nil
}

func list(flags *flag.FlagSet, to *[]string, name, text string) {
	flags.Func(name, text, func(value string) error {
		*to = append(*to, value)
		return nil
	})
}

// check fills in what depends on other options and refuses what cannot be.
func (o *Options) check() error {
	if o.Rails == 0 {
		o.Rails = 1
		if o.Nodes == 1 {
			o.Rails = 2
		}
	}
	o.accel = accelerator()
	switch {
	case runtime.GOARCH != "amd64":
		return fmt.Errorf("this machine is %s: guests are x86-64, and so must be their host", runtime.GOARCH)
	case len(o.Command) == 0:
		return errors.New("no command: usage is vm [OPTION...] -- COMMAND [ARG...]")
	case o.Nodes < 1 || o.Nodes > maxNodes:
		return fmt.Errorf("--nodes %d: from 1 to %d hosts can be had", o.Nodes, maxNodes)
	case o.Rails < 1 || o.Rails > 8:
		return fmt.Errorf("--rails %d: from 1 to 8 rails can be had", o.Rails)
	case o.MTU < 1280 || o.MTU > 65535:
		return fmt.Errorf("--mtu %d: from 1280 (IPv6's least) to 65535 bytes can be had", o.MTU)
	case o.Nodes == 1 && (o.PeerCommand != "" || o.PeerPort != 0):
		return errors.New("--peer-command and --peer-port need --nodes 2 or more")
	}
	o.cache = os.Getenv("RDMACP_CACHE")
	if o.cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return fmt.Errorf("find the cache folder: %w: set RDMACP_CACHE", err)
		}
		o.cache = filepath.Join(dir, "rdmacp")
	}
	_, err := o.netem(1)
	return err
}

// netem returns the settings by wire.
func (o *Options) netem(wires int) ([]string, error) {
	settings := make([]string, max(wires, 8))
	for _, text := range o.Netem {
		number, setting, ok := strings.Cut(text, ":")
		if !ok {
			for w := range settings {
				settings[w] = text
			}
			continue
		}
		w, err := strconv.Atoi(number)
		if err != nil || w < 0 || w >= len(settings) {
			return nil, fmt.Errorf("--netem %q: before the colon belongs the number of a wire, from 0", text)
		}
		settings[w] = setting
	}
	return settings, nil
}
