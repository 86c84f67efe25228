// Package tcp moves extents over TCP connections, or those of a unix socket, where
// there is no RDMA. What lies in the page cache goes out by sendfile(2), or by
// TransmitFile on Windows, and no CPU copies it at that end.
//
// The driver drives here too, but the lender dials: it opens as many connections as
// the two ends agreed on, to the listener that the control connection was made to, and
// begins each with a preface that holds the session's token. [Fabric.Listen] tells such
// connections from others and hands them to the driver that they are for.
//
// After its preface a connection carries frames. The driver asks for what a ticket
// names (opPull) and the lender answers with it (opData); or the driver sends what is
// for a ticket (opPush), and the lender answers that it has it (opDone). Answers come in
// the order of the questions. Whatever else comes breaks all connections of the session,
// and nothing but them.
package tcp
