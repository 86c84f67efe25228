package console

import "github.com/rdmacp/rdmacp/internal/fault"

// checks are those of rdmacp doctor that look for what is behind a fault, by their ids.
var checks = map[fault.Code]string{
	fault.NoDevice: "devices", fault.Path: "rdma-put", fault.Memlock: "memlock", fault.Unproven: "tls",
	fault.Unreachable: "daemon", fault.ConnectTimeout: "daemon", fault.Version: "daemon",
	fault.NoSpace: "disk", fault.NotExport: "exports", fault.ReadOnly: "exports", fault.Denied: "exports",
}

// Check is the id of the check of rdmacp doctor that looks for what is behind a fault; empty if
// there is none.
func Check(f *fault.Error) string {
	if f.Check != "" {
		return f.Check
	}
	return checks[f.Code]
}

// Cited returns a copy of f whose remedy names that check.
func Cited(f *fault.Error) *fault.Error {
	c := Complete(f)
	if id := Check(f); id != "" {
		c.Fix += " [doctor: " + id + "]"
	}
	return c
}
