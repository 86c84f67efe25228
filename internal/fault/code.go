package fault

import "fmt"

// Code classes a fault. The numbers are those of rdmacp.v1.FaultCode and never
// change.
type Code int

// The classes of faults.
const (
	OK             Code = 0
	Internal       Code = 1  // a bug of ours
	Usage          Code = 2  // the command line or the configuration is wrong
	Version        Code = 3  // the two ends do not speak the same protocol
	NotFound       Code = 4  // no such file or directory
	Permission     Code = 5  // the file system refused
	NotRegular     Code = 6  // a directory, FIFO or device where a regular file is needed
	NoSpace        Code = 7  // disk full, or over quota
	IO             Code = 8  // reading or writing a file failed
	NotExport      Code = 9  // the path lies in no export of the daemon
	ReadOnly       Code = 10 // the export is read-only
	Busy           Code = 11 // another copy is writing the same destination
	SourceChanged  Code = 12 // the source changed while it was read
	Integrity      Code = 13 // digests do not match
	NoDevice       Code = 14 // no usable RDMA device on a host
	Path           Code = 15 // no common GID or MTU, or packets do not arrive
	Memlock        Code = 16 // memory could not be pinned
	Unreachable    Code = 17 // the daemon cannot be reached
	ConnectTimeout Code = 18 // the daemon did not answer in time
	Lost           Code = 19 // the connection broke in the middle
	Timeout        Code = 20 // no progress for too long
	Interrupted    Code = 21 // cancelled by a signal, or by the other end
	Limit          Code = 22 // a limit of the daemon's was reached
	Protocol       Code = 23 // the peer broke the protocol
	Partial        Code = 24 // some files were not copied, the others were
	Copied         Code = 25 // zero copy was asked for, and a CPU would have to copy
	Unproven       Code = 26 // an end has not proved who it is, or speaks no TLS
	Denied         Code = 27 // the daemon's configuration does not give this client the right
	Vanished       Code = 28 // the source was removed before it was read
)

var codeNames = [...]string{
	OK: "ok", Internal: "internal", Usage: "usage", Version: "version",
	NotFound: "not_found", Permission: "permission", NotRegular: "not_regular",
	NoSpace: "no_space", IO: "io", NotExport: "not_export", ReadOnly: "read_only",
	Busy: "busy", SourceChanged: "source_changed", Integrity: "integrity",
	NoDevice: "no_device", Path: "path", Memlock: "memlock", Unreachable: "unreachable",
	ConnectTimeout: "connect_timeout", Lost: "lost", Timeout: "timeout",
	Interrupted: "interrupted", Limit: "limit", Protocol: "protocol",
	Partial: "partial", Copied: "copied",
	Unproven: "unproven", Denied: "denied", Vanished: "vanished",
}

// String returns the code's name as it stands in JSON output and logs.
func (c Code) String() string {
	if !c.Known() {
		return fmt.Sprintf("code_%d", int(c))
	}
	return codeNames[c]
}

// Known reports whether c is one of the codes above.
func (c Code) Known() bool { return c >= 0 && int(c) < len(codeNames) }
