package tree

// WalkOptions say what of a tree is sent.
type WalkOptions struct {
	Recursive bool // directories too; else one is a problem
	Links     bool // symbolic links as such; else what they lead to
	HardLinks bool
	Devices   bool // character and block devices
	Specials  bool // FIFOs and sockets
	Owner     bool // send who owns what
	Group     bool
	Names     bool // send the owners' names too
	Xattrs    bool
	ACLs      bool
	Filter    []Rule   // in order; the first that matches decides
	Files     []string // if not nil: these paths below the one source and no others
	Way       Way      // how files are read
}

// Rule is one --exclude or --include.
type Rule struct {
	Pattern string // as rsync writes them
	Include bool
}

// LandOptions say how a tree is put at its destination.
type LandOptions struct {
	Perms          bool // keep modes exactly; else the umask applies to what is new
	Times          bool
	Owner          bool
	Group          bool
	As             *Owner // who gets all that is made, whoever has it at the source; nil: as Owner and Group have it
	Xattrs         bool
	ACLs           bool
	Update         bool   // leave what is newer at the destination
	IgnoreExisting bool   // leave whatever exists
	Checksum       bool   // compare files of equal size by content, whatever their times
	SizeOnly       bool   // files of equal size are equal
	IgnoreTimes    bool   // no file is taken for equal by its size and time
	Delta          bool   // send only what differs from the file at the destination
	ReadBack       bool   // read what was written again before it is committed
	Delete         bool   // remove what the source has not, at the very end and after no error
	Durable        bool   // what is there already is brought to stable storage, too: its source will be removed
	MaxDelete      int    // most that is removed; below 0: no limit
	Keep           []Rule // what they exclude at the source is not removed either
	DryRun         bool   // change nothing
	Verify         bool   // change nothing, and compare everything by content
	Digest         Algorithm
	Way            Way // how files are written
}

// Algorithm is how the digest of a whole file is made.
type Algorithm uint8

// The algorithms, numbered as in rdmacp.v1.Algorithm.
const (
	NoDigest Algorithm = 0
	BLAKE3   Algorithm = 1 // 256 bits, as b3sum
	SHA256   Algorithm = 2 // as sha256sum
)

// Naming is how a copy is named where it lands.
type Naming uint8

// The ways, numbered as in rdmacp.v1.Naming.
const (
	// Auto is scp's: into the target if that is a directory, else the target is
	// the copy. A target that is an unfinished copy of the same is gone on with.
	Auto Naming = 1

	// Into needs the target to be a directory, and puts the copies into it.
	Into Naming = 2

	// Contents is rsync's for a source that ends in a slash: what the source
	// holds comes into the target, which is made if it is not there.
	Contents Naming = 3
)
