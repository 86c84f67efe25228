package wire

// Protocol is the version of the protocol that this package speaks.
const Protocol = 1

// Limits on what a peer may ask for. A zero never means "no limit".
const (
	MinChunk  = 4 << 10  // bytes
	MaxChunk  = 64 << 20 // bytes
	MaxSlots  = 1024
	MaxQPs    = 16
	MaxOffers = 1024 // in one message
	MaxPath   = 4096 // bytes; PATH_MAX of Linux
	MaxName   = 255  // bytes; NAME_MAX of Linux
	MaxText   = 4096 // bytes of a text for people

	// MaxMessage is the longest message, in bytes: one with MaxOffers offers
	// takes half of it.
	MaxMessage = 128 << 10

	minQPN     = 2 // 0 and 1 are for management
	maxQPN     = 1<<24 - 1
	maxVersion = 128 // bytes
)
