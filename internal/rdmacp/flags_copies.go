package rdmacp

import (
	"github.com/spf13/pflag"

	"github.com/rdmacp/rdmacp/internal/tree"
)

// wayFlag is --source or --sink.
type wayFlag struct {
	name string
	way  *tree.Way
}

// Set is pflag's.
func (w *wayFlag) Set(name string) error {
	for _, way := range []tree.Way{tree.AutoWay, tree.MappedWay, tree.DirectWay, tree.BufferedWay} {
		if name == way.String() {
			*w.way = way
			return nil
		}
	}
	return badFlag(w.name, name, "there is no such way", "give auto, mapped, direct or buffered")
}

// String is pflag's.
func (w *wayFlag) String() string {
	if w.way == nil {
		return ""
	}
	return w.way.String()
}

// Type is pflag's.
func (w *wayFlag) Type() string { return "way" }

// copying is the flags about the copies that a CPU makes between files and the network.
type copying struct {
	source, sink tree.Way
	zeroCopy     bool
	stats        bool
}

// add defines the flags.
func (c *copying) add(f *pflag.FlagSet) {
	f.Var(&wayFlag{"source", &c.source}, "source", "how files are read: mapped (the NIC takes them out of the page cache), direct (O_DIRECT), buffered (a CPU copies); auto is the first of them that works")
	f.Var(&wayFlag{"sink", &c.sink}, "sink", "how they are written: mapped (the NIC writes into the page cache, on tmpfs), direct (O_DIRECT), buffered; auto is the first that works")
	f.BoolVar(&c.zeroCopy, "require-zero-copy", false, "fail where a CPU would have to copy what is sent, and say why")
	f.BoolVar(&c.stats, "stats", false, "print what the copy cost both ends, and what it was waiting for")
}
