// Package verbs binds libibverbs: devices, protection domains, memory regions, completion queues and reliable
// connected queue pairs, one Go type for each C object and no policy. It is the only package with cgo.
//
// The library is opened with dlopen when a function here first needs it, so a program that links this package starts
// on a host without it; there [Devices] and [Open] fail with [ErrNoLibrary]. Without cgo, and on systems other than
// Linux, the package still builds and every call fails with [ErrNotSupported].
//
// # Lifetimes
//
// Every object keeps its parents and every parent counts its children. Close is idempotent; on an object with open
// children it returns [ErrBusy], names them, and leaves the object open. Nothing is freed by the garbage collector.
// The order for one connection is: QP, MRs, CQ, CompChannel, PD, Context.
//
// # Concurrency
//
// Control calls may be made from any goroutine. PostSend, PostRecv and Poll are meant for one goroutine at a time for
// each queue. Every call stays safe against a concurrent Close and then returns [ErrClosed].
//
// # Memory
//
// Work requests name memory by address and key. Memory that a NIC can reach must not be on the Go heap, and must stay
// mapped until its region is closed; package mr provides such memory. Canceling a context never frees memory and never
// recalls a posted work request: only [QP.ToError], and polling until each one has completed, does.
package verbs
