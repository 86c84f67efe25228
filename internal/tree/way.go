package tree

// Way is how the bytes of files travel between storage and transport. What cannot go
// the way that is asked for is read and written by calls that copy.
type Way uint8

// The ways, numbered as in rdmacp.v1.Way.
const (
	AutoWay     Way = 0 // the first of the others that works
	MappedWay   Way = 1 // the NIC is shown the page cache; of a sink, where files live in memory (tmpfs)
	DirectWay   Way = 2 // O_DIRECT, from and to slots
	BufferedWay Way = 3 // the calls that copy
)

var wayNames = [...]string{AutoWay: "auto", MappedWay: "mapped", DirectWay: "direct", BufferedWay: "buffered"}

// String names the way, as --source and --sink do.
func (w Way) String() string {
	if int(w) >= len(wayNames) {
		return "unknown"
	}
	return wayNames[w]
}

// May reports whether other is to be tried where w is asked for.
func (w Way) May(other Way) bool { return w == AutoWay || w == other }
