package rdmacp

import (
	"github.com/spf13/pflag"

	"github.com/rdmacp/rdmacp/internal/tree"
)

// removing is the flags that take something away.
type removing struct {
	delete    bool
	maxDelete int
	sources   bool
}

// add defines the flags.
func (r *removing) add(f *pflag.FlagSet) {
	f.BoolVar(&r.delete, "delete", false, "remove from directories at the destination what the source's have not; at the very end, and only if nothing went wrong; what is excluded stays")
	f.IntVar(&r.maxDelete, "max-delete", -1, "remove at most `number` things")
	f.Lookup("max-delete").DefValue = "0" // lest --help shows -1, which is no limit
	f.BoolVar(&r.sources, "remove-source-files", false, "remove each file from the source once its copy is on stable storage")
}

// land fills in what is removed.
func (r *removing) land(l *tree.LandOptions) { l.Delete, l.MaxDelete = r.delete, r.maxDelete }
