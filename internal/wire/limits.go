package wire

import (
	"math"

	"github.com/rdmacp/rdmacp/internal/transfer"
	"github.com/rdmacp/rdmacp/internal/transport/rails"
)

// Protocol is the version of the protocol that this package speaks.
const Protocol = 1

// Limits on what a peer may ask for. A zero never means "no limit".
const (
	MinChunk    = 4 << 10  // bytes
	MaxChunk    = 64 << 20 // bytes
	MaxSlots    = 1024
	MaxQPs      = 16
	MaxRails    = rails.Most
	MaxSegments = transfer.MaxSegments // in one bundle
	MaxRanges   = transfer.MaxRanges   // of one file
	MaxOffers   = 1024                 // in one message
	MaxItems    = 16 << 10             // of any other kind in one message
	MaxTargets  = 1024
	MaxPath     = 4096                     // bytes; PATH_MAX of Linux
	MaxName     = 255                      // bytes; NAME_MAX of Linux
	MaxXattr    = 64 << 10                 // bytes; XATTR_SIZE_MAX of Linux; of all values of one entry too
	MaxPaths    = 64 << 10                 // bytes of all paths of one kind in one batch
	MaxLists    = 100 << 10                // bytes of all paths and patterns in one Copy
	MaxText     = 4096                     // bytes of a text for people
	MaxSize     = math.MaxInt64 - MaxChunk // bytes of a file

	// MaxMessage is the longest message, in bytes. A batch takes a quarter of it
	// unless one of its items alone takes more: an entry with all the attributes
	// that it may have takes half.
	MaxMessage = 256 << 10

	minQPN     = 2 // 0 and 1 are for management
	maxQPN     = 1<<24 - 1
	maxVersion = 128 // bytes
)
