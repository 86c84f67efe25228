// Package device lists the RDMA ports of this host, its rails, and chooses the one,
// and the address on it, that a connection is to use.
//
// What a rail is comes from four places: verbs (state, MTU, GIDs), rtnetlink (the
// network device and its addresses), sysfs (the NUMA node) and rdmamap (which network
// device belongs to which RDMA device, where the GID table does not say).
//
// An RDMA address, a GID, is an entry of a table whose order differs from host to host
// and changes when an address is added. So [Choose] never goes by an index: it takes
// the GID that equals the address which the control connection uses, or the one on the
// route to the peer.
package device
