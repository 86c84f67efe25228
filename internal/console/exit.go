package console

import (
	"fmt"
	"strings"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// The exit codes are rsync's where rsync has one for the case, because scripts
// know them already.
const (
	exitOK          = 0
	exitUsage       = 1
	exitVersion     = 2
	exitSelect      = 3
	exitUnsupported = 4
	exitStart       = 5
	exitSocket      = 10
	exitFileIO      = 11
	exitStream      = 12
	exitBug         = 13
	exitInterrupted = 20
	exitMemlock     = 22
	exitFile        = 23
	exitVanished    = 24
	exitTimeout     = 30
	exitConnect     = 35
)

// Exit returns the exit code for a fault's code.
func Exit(c fault.Code) int {
	switch c {
	case fault.OK:
		return exitOK
	case fault.Usage:
		return exitUsage
	case fault.Version:
		return exitVersion
	case fault.NotExport, fault.ReadOnly, fault.Denied:
		return exitSelect
	case fault.Copied:
		return exitUnsupported
	case fault.NoDevice, fault.Path, fault.Limit, fault.Unproven:
		return exitStart
	case fault.Unreachable:
		return exitSocket
	case fault.NoSpace, fault.IO:
		return exitFileIO
	case fault.Integrity, fault.Lost, fault.Protocol:
		return exitStream
	case fault.Interrupted:
		return exitInterrupted
	case fault.Memlock:
		return exitMemlock
	case fault.NotFound, fault.Permission, fault.NotRegular, fault.Busy, fault.SourceChanged, fault.Partial:
		return exitFile
	case fault.Vanished:
		return exitVanished
	case fault.Timeout:
		return exitTimeout
	case fault.ConnectTimeout:
		return exitConnect
	case fault.Internal:
		return exitBug
	}
	return exitBug
}

// ExitTable is the part of --help that lists the exit codes of a copy.
func ExitTable() string {
	var b strings.Builder
	b.WriteString("Exit codes (rsync's, where it has one):\n")
	for _, row := range []struct {
		code int
		text string
	}{
		{exitOK, "copied, verified and on stable storage"},
		{exitUsage, "the command line or the configuration is wrong"},
		{exitVersion, "the two ends do not speak the same protocol"},
		{exitSelect, "not an export, or one that is read-only, or not for this client"},
		{exitUnsupported, "zero copy is required, and not possible"},
		{exitStart, "no RDMA device, no common path, no TLS that proves the other end, or refused by the daemon"},
		{exitSocket, "the daemon cannot be reached"},
		{exitFileIO, "no space left, or reading or writing a file failed"},
		{exitStream, "connection lost, digests differ, or the peer broke the protocol"},
		{exitBug, "a bug of this program"},
		{exitInterrupted, "interrupted by a signal"},
		{exitMemlock, "memory could not be pinned"},
		{exitFile, "some files were not copied: missing, not readable, changed or busy"},
		{exitVanished, "all was copied but what was removed before it was read"},
		{exitTimeout, "no progress for too long"},
		{exitConnect, "the daemon did not answer in time"},
	} {
		fmt.Fprintf(&b, "  %2d  %s\n", row.code, row.text)
	}
	return b.String()
}
