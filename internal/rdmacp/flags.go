package rdmacp

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// group is the flags of one topic, as --help shows them.
type group struct {
	title string
	flags *pflag.FlagSet
}

// helpWidth is how wide --help gets, in columns.
const helpWidth = 100

// flagGroup makes a group of the flags that add defines.
func flagGroup(title string, add ...func(f *pflag.FlagSet)) group {
	g := group{title, pflag.NewFlagSet(title, pflag.ContinueOnError)}
	g.flags.SortFlags = false
	for _, a := range add {
		a(g.flags)
	}
	return g
}

// setGroups gives a command its flags, and a help that shows them by topic.
func setGroups(cmd *cobra.Command, groups []group) {
	cmd.Flags().SortFlags = false
	for _, g := range groups {
		cmd.Flags().AddFlagSet(g.flags)
	}
	cmd.SetUsageFunc(func(c *cobra.Command) error {
		out := c.OutOrStdout()
		_, _ = fmt.Fprintf(out, "Usage:\n  %s\n", c.UseLine())
		if c.Example != "" {
			_, _ = fmt.Fprintf(out, "\nExamples:\n%s\n", c.Example)
		}
		writeCommands(out, c)
		for _, g := range groups {
			_, _ = fmt.Fprintf(out, "\n%s:\n%s", g.title, g.flags.FlagUsagesWrapped(helpWidth))
		}
		return nil
	})
}

// writeCommands lists the commands below c.
func writeCommands(out io.Writer, c *cobra.Command) {
	first := true
	for _, sub := range c.Commands() {
		if !sub.IsAvailableCommand() {
			continue
		}
		if first {
			_, _ = fmt.Fprint(out, "\nCommands:\n")
			first = false
		}
		_, _ = fmt.Fprintf(out, "  %s %-8s  %s\n", c.CommandPath(), sub.Name(), sub.Short)
	}
}

// negation is --no-NAME, which sets NAME to false.
type negation struct {
	flags *pflag.FlagSet
	name  string
}

// Set is pflag's.
func (n *negation) Set(value string) error {
	switch value {
	case "true":
		return n.flags.Set(n.name, "false")
	case "false":
		return n.flags.Set(n.name, "true")
	}
	return fmt.Errorf("it takes no value")
}

// String is pflag's.
func (n *negation) String() string { return "" }

// Type is pflag's.
func (n *negation) Type() string { return "bool" }

// negatable defines --no-NAME for each of the flags. They are many and all alike,
// so that --help speaks of them in one line.
func negatable(f *pflag.FlagSet, names ...string) {
	for _, name := range names {
		no := f.VarPF(&negation{f, name}, "no-"+name, "", "the opposite of --"+name)
		no.NoOptDefVal, no.Hidden = "true", true
	}
}

// accepted defines a flag that changes nothing: it asks for what is done anyway.
func accepted(f *pflag.FlagSet, name, short, usage string) {
	f.BoolP(name, short, true, usage)
	f.Lookup(name).DefValue = "false" // lest --help shows "(default true)"
}

// addHelp defines what cobra would define itself, so that it stands with the other
// flags.
func addHelp(f *pflag.FlagSet) { f.BoolP("help", "h", false, "print this help") }

// addLongHelp is the same where -h is rsync's: whoever types -avh wants a copy.
func addLongHelp(f *pflag.FlagSet) {
	f.Bool("help", false, "print this help")
	accepted(f, "human-readable", "h", "without names, print this help; else accepted for rsync's sake")
}

// addVersion is the same for the version.
func addVersion(f *pflag.FlagSet) { f.Bool("version", false, "print the version") }
