//go:build !windows

package storage

import "syscall"

const fixDisk = "look for disk errors in the kernel log of that host (dmesg) before trying again"

// hostVerdicts are those on the errors that a system has of its own: none.
var hostVerdicts map[syscall.Errno]verdict
