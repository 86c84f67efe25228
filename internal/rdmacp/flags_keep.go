package rdmacp

import (
	"github.com/spf13/pflag"

	"github.com/rdmacp/rdmacp/internal/tree"
)

// keeping is the flags that say what is kept of an entry besides its name and
// bytes.
type keeping struct {
	links, copyLinks, hardLinks bool
	owner, group, numericIDs    bool
	devices, specials, both     bool
	xattrs, acls                bool
}

// add defines the flags.
func (k *keeping) add(f *pflag.FlagSet) {
	f.BoolVarP(&k.links, "links", "l", false, "copy symbolic links as such (-a)")
	f.BoolVarP(&k.copyLinks, "copy-links", "L", false, "copy what symbolic links lead to, with -a too")
	f.BoolVarP(&k.hardLinks, "hard-links", "H", false, "keep hard links between files that are copied (-a; rsync's -a does not)")
	f.BoolVarP(&k.owner, "owner", "o", false, "keep the owner, by name where the other host knows it (-a)")
	f.BoolVarP(&k.group, "group", "g", false, "keep the group, by name where the other host knows it (-a)")
	f.BoolVar(&k.numericIDs, "numeric-ids", false, "keep owner and group by their numbers")
	f.BoolVar(&k.devices, "devices", false, "copy character and block devices, as such (-a)")
	f.BoolVar(&k.specials, "specials", false, "copy FIFOs and sockets, as such (-a)")
	f.BoolVarP(&k.both, "devices-and-specials", "D", false, "the same as --devices --specials")
	f.BoolVarP(&k.xattrs, "xattrs", "X", false, "keep extended attributes")
	f.BoolVarP(&k.acls, "acls", "A", false, "keep access control lists")
	accepted(f, "preserve", "p", "modes are always kept; accepted for scp's and rsync's sake")
	accepted(f, "times", "t", "times are always kept; accepted for rsync's sake")
	negatable(f, "links", "hard-links", "owner", "group", "devices", "specials")
}

// walk fills in what the source has to send. What the user says of a flag that -a
// implies goes before that, wherever it stands.
func (k *keeping) walk(f *pflag.FlagSet, archive bool, w *tree.WalkOptions) {
	on := func(name string, implied bool) bool {
		if flag := f.Lookup(name); flag.Changed {
			return flag.Value.String() == "true"
		}
		return implied
	}
	w.Links = on("links", archive) && !k.copyLinks
	w.HardLinks = on("hard-links", archive)
	w.Devices = on("devices", archive || k.both)
	w.Specials = on("specials", archive || k.both)
	w.Owner = on("owner", archive)
	w.Group = on("group", archive)
	w.Names = (w.Owner || w.Group) && !k.numericIDs
	w.Xattrs, w.ACLs = k.xattrs, k.acls
}
