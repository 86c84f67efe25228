package tree

// Answer is what the sink says to an entry.
type Answer uint8

// The answers, numbered as in rdmacp.v1.Answer.
const (
	Want Answer = 1 // a file of which bytes are wanted, or at least its end
	Done Answer = 2 // nothing is to be sent: made, noted for the end, or as it should be
	Skip Answer = 3 // left alone, since the user said so: --update, --ignore-existing and the like
	Fail Answer = 4 // cannot be: Verdict.Fault says why
)

// Known reports whether a is one of the answers above.
func (a Answer) Known() bool { return a >= Want && a <= Fail }

// Verdict is the sink's answer to an entry.
type Verdict struct {
	ID     int64
	Answer Answer
	Change Change  // what is, or would be, changed at the destination
	Ranges []Range // Want: what is missing, in ascending order; none: it has it all, and waits for the seal

	// Compare asks for a look at digests first: what the destination has already
	// need not travel. It goes with Want.
	Compare bool

	// Resumed is how many bytes an earlier run has brought; Restarted says why
	// what it brought is of no use.
	Resumed   int64
	Restarted string

	Fault error // Fail; a *fault.Error
}

// Change is what differs between an entry and what the destination has.
type Change uint16

// The changes, in the order of the letters in rsync's itemized list.
const (
	New     Change = 1 << iota // there is nothing of that name
	Kinds                      // something of another kind stands there
	Content                    // the content differs, or may
	Size
	Time
	Mode
	Owners
	Groups
	ACL
	Attrs
)

// Problem is something that could not be copied.
type Problem struct {
	Path  string // relative to the source or the destination; bytes
	Fault error  // a *fault.Error
}
