package device

// PFC is the priority flow control (IEEE 802.1Qbb) of a network device: instead of dropping
// what it has no room for, an end has the other one pause.
type PFC struct {
	Priorities uint8  // a bit for each that it is on for
	Sent       uint64 // pause frames
	Received   uint64
}
