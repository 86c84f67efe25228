package rdmacp

import (
	"context"

	"github.com/spf13/cobra"
)

const longVerify = `rdmacp verify compares what rdmacp would copy with what is there. Both hosts read
everything and compare digests; no file's bytes are moved, and nothing is changed.
What differs is listed on stdout in rsync's letters, as by rdmacp -i. Without -a it
is the content that counts; with -a modes, times and owners do, too. What only DST
has is no difference. Names are as for a copy: where DST is the copy of the
directory SRC, write SRC/.

The exit code is 0 if there is no difference, and 12 if there is one.`

const examplesVerify = `  rdmacp verify model.bin gpu7:/data/
  rdmacp verify -r data/ gpu7:/data
  rdmacp verify -a gpu7::scratch/src .`

// verifyCommand compares two sides.
func (a *app) verifyCommand(ctx context.Context) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "verify [flags] SRC... DST",
		Short:   "Compare two sides by digests, and move nothing",
		Long:    longVerify,
		Example: examplesVerify,
		Args:    cobra.ArbitraryArgs, // checked by newJob, in our own words
		RunE:    a.runner(ctx, verifies),
	}
	cmd.ValidArgsFunction = a.completeNames(ctx)
	setGroups(cmd, a.opts.verifyGroups())
	return cmd
}
