// Package transfer is the engine: it moves trees of files over a connection, in
// bundles of a chunk's size, many at once, and proves each by its digest.
//
// It is pure. Bytes move through transport.Lender and transport.Driver, words
// through a Link, files through tree.Source and tree.Sink; it knows no verbs, no
// gRPC and no file system. Four functions are the four ends of a copy:
//
//	put: Send lends bundles of its source,   Pull pulls them into its sink
//	get: Receive lends room for bundles,     Push pushes them from its source
//
// Send and Receive run in the client, Pull and Push in the daemon. Whichever way
// the bytes flow, the source tells of its entries, the sink answers what it wants
// of each, and the lender, who is the client, makes up the bundles: a piece of a
// large file, or many small files whole.
package transfer
