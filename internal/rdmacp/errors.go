package rdmacp

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/fault"
)

// report tells what failed and returns the exit code.
func (a *app) report(f *fault.Error) int {
	console.Render(a.io.Stderr, "rdmacp", f, a.io.Colour())
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
		return fault.New(fault.Interrupted, a.what, context.Cause(ctx),
			"nothing partial was left: run the same command again")
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

// trees are the flags by which scp and rsync copy directories.
var trees = map[string]bool{"r": true, "R": true, "a": true, "recursive": true, "archive": true}

// flagFault is the fault of a flag that cannot be read.
func flagFault(flags *pflag.FlagSet, err error) error {
	fix := "see rdmacp --help"
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) && trees[unknown.GetSpecifiedName()] {
		return fault.New(fault.Usage, "reading the command line", errors.New("directories cannot be copied yet"),
			"name one file; mode and mtime are kept without a flag")
	}
	if errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "" {
		var names []string
		flags.VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if near := console.Nearest(unknown.GetSpecifiedName(), names); near != "" {
			fix = fmt.Sprintf("did you mean --%s? see rdmacp --help", near)
		}
	}
	return fault.New(fault.Usage, "reading the command line", err, fix)
}
