// Package transfer is the engine: it moves one file over a connection, chunk by
// chunk, many at once, and proves every chunk by its digest.
//
// It is pure. Bytes move through transport.Lender and transport.Driver, words
// through LenderLink and DriverLink; it knows no verbs, no gRPC and no file
// system. Four functions are the four ends of a copy:
//
//	put: Send lends chunks of the source,  Pull pulls them into the sink
//	get: Receive lends room for chunks,    Push pushes them from the source
//
// Send and Receive run in the client, Pull and Push in the daemon.
package transfer
