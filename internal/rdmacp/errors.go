package rdmacp

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/fault"
)

// report tells what failed and returns the exit code.
func (a *app) report(f *fault.Error) int {
	console.Render(a.io.Stderr, "rdmacp", console.Cited(f), a.io.Colour())
	if stack := fault.Stack(f); stack != "" {
		_, _ = fmt.Fprintln(a.io.Stderr, stack) // a bug of this program, for whom it is reported to
	}
	if a.opts.json {
		_ = writeLine(a.io.Stdout, newErrorLine(f)) // the exit code says it as well
	}
	return console.Exit(f.Code)
}

// asFault finds the fault in err. Once the user has interrupted the copy,
// whatever then happened to the connection is only what followed from it.
func (a *app) asFault(ctx context.Context, err error) *fault.Error {
	f, ok := fault.As(err)
	if ctx.Err() != nil && (!ok || followsCancel(f.Code)) {
		return fault.New(fault.Interrupted, a.what, context.Cause(ctx), "run the same command again"+a.again)
	}
	switch {
	case ok:
		return f
	case errors.Is(err, context.DeadlineExceeded):
		return fault.New(fault.Timeout, a.what, err, "")
	}
	return fault.New(fault.Internal, a.what, err, "")
}

// followsCancel reports whether a fault can be what a cancelled context looks
// like from below.
func followsCancel(c fault.Code) bool {
	switch c { //nolint:exhaustive // the others have causes of their own
	case fault.Internal, fault.Interrupted, fault.Lost, fault.Timeout, fault.ConnectTimeout, fault.Unreachable:
		return true
	default:
		return false
	}
}

// flagFault is the fault of a flag that cannot be read. Copying are the flags of a
// copy, flags those of the command that was given.
func flagFault(flags, copying *pflag.FlagSet, err error) error {
	if f, ok := fault.As(err); ok { // a flag's value, in its own words
		return f
	}
	fix := "see rdmacp --help"
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return usage("reading the command line", err, fix)
	}
	name, group := unknown.GetSpecifiedName(), unknown.GetSpecifiedShortnames()
	switch habit := habits[name]; {
	case group != "" && strings.Trim(group, "0123456789") == "" && changed(flags, "show-progress"):
		return scpValues['P'].fault("-P" + group)
	case has(copying, name, group != ""):
		fix = "it is a flag of copies; see rdmacp --help"
	case habit != "":
		fix = habit
	case group == "":
		var names []string
		flags.VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if near := console.Nearest(name, names); near != "" {
			fix = fmt.Sprintf("did you mean --%s? see rdmacp --help", near)
		}
	}
	return usage("reading the command line", err, fix)
}

// has reports whether there is a flag of that name.
func has(flags *pflag.FlagSet, name string, short bool) bool {
	if short {
		return len(name) == 1 && flags.ShorthandLookup(name) != nil
	}
	return flags.Lookup(name) != nil
}

func changed(flags *pflag.FlagSet, name string) bool {
	f := flags.Lookup(name)
	return f != nil && f.Changed
}
