// Package rdma moves extents over reliable-connected queue pairs.
//
// A connection is a set of queue pairs between two ports, a completion queue
// with one goroutine that polls it, and a pool of slots: registered memory, one
// chunk each. The lender reads a source into a slot and lets the driver READ it,
// or lets the driver WRITE into the slot and writes it to the sink; the driver
// has a slot of its own at the other end of the READ or WRITE. Each chunk uses
// one queue pair, and its last work request alone is signalled.
//
// Only the lender's slots can be reached from the network: the driver's memory
// is registered without remote access and its queue pairs allow none. A slot that the
// driver may write to is registered for the one loan, as long as that, and deregistered
// once the push has come: what is summed and then written to the sink is in nobody's reach.
package rdma
