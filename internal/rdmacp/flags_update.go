package rdmacp

import (
	"github.com/spf13/pflag"

	"github.com/rdmacp/rdmacp/internal/tree"
)

// updating is the flags that say what is sent of what the destination may have
// already.
type updating struct {
	dryRun         bool
	itemize        bool
	update         bool
	ignoreExisting bool
	checksum       bool
	sizeOnly       bool
	ignoreTimes    bool
	delta          bool
}

// add defines the flags.
func (u *updating) add(f *pflag.FlagSet) {
	f.BoolVarP(&u.dryRun, "dry-run", "n", false, "change nothing; list on stdout what would be done")
	f.BoolVarP(&u.itemize, "itemize-changes", "i", false, "list on stdout what is done, in rsync's letters: YXcstpoguax path")
	f.BoolVarP(&u.update, "update", "u", false, "leave files alone that are newer at the destination")
	f.BoolVar(&u.ignoreExisting, "ignore-existing", false, "leave alone whatever file exists at the destination")
	f.BoolVarP(&u.checksum, "checksum", "c", false, "find by digests what differs, and send only that, whatever sizes and times say")
	f.BoolVar(&u.sizeOnly, "size-only", false, "files of the same size are the same")
	f.BoolVarP(&u.ignoreTimes, "ignore-times", "I", false, "send files of the same size and time too, as is done without -a and -r")
	f.BoolVar(&u.delta, "delta", false, "of a file that the destination has, send only the chunks that differ")
}

// land fills in how the destination's files are looked at. Who copies a tree
// wants to run the same command again until all is there, as rsync's users do; who
// copies a file wants it copied, as scp's users do, unless a flag of rsync's says
// otherwise.
func (u *updating) land(trees bool, l *tree.LandOptions) {
	l.Update, l.IgnoreExisting = u.update, u.ignoreExisting
	l.Checksum, l.SizeOnly = u.checksum, u.sizeOnly
	looks := trees || u.update || u.ignoreExisting || u.checksum || u.sizeOnly
	l.IgnoreTimes = u.ignoreTimes || !looks
	l.Delta, l.DryRun = u.delta, u.dryRun
}
