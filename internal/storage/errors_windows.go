package storage

import (
	"syscall"

	"golang.org/x/sys/windows"

	"github.com/rdmacp/rdmacp/internal/fault"
)

const (
	fixDisk = "look for disk errors in the event log of that host before trying again"
	fixOpen = "close what has it open, or wait until that is done with it, then run the copy again"
)

// hostVerdicts are those on the errors that Windows has of its own.
var hostVerdicts = map[syscall.Errno]verdict{
	windows.ERROR_SHARING_VIOLATION:    {fault.Busy, "another program has it open", fixOpen},
	windows.ERROR_LOCK_VIOLATION:       {fault.Busy, "another program has locked it", fixOpen},
	windows.ERROR_ACCESS_DENIED:        {fault.Permission, "", "run as a user who may do this; a file that a program has open or runs cannot be replaced either"},
	windows.ERROR_PRIVILEGE_NOT_HELD:   {fault.Permission, "", fixLink},
	windows.ERROR_NOT_SUPPORTED:        {fault.IO, "", "choose another file system; leave symbolic links out with --no-links, or have what they lead to copied with --copy-links"},
	windows.ERROR_INVALID_NAME:         {fault.Usage, "", "choose a name that Windows can hold"},
	windows.ERROR_FILENAME_EXCED_RANGE: {fault.Usage, "", "choose a shorter name"},
	windows.ERROR_WRITE_PROTECT:        {fault.ReadOnly, "", "choose another destination"},
	windows.ERROR_DISK_FULL:            {fault.NoSpace, "", fixSpace},
	windows.ERROR_HANDLE_DISK_FULL:     {fault.NoSpace, "", fixSpace},
	windows.ERROR_DISK_QUOTA_EXCEEDED:  {fault.NoSpace, "over quota", "free some space, or ask for more quota"},
}

const fixLink = "turn on developer mode, which lets users make symbolic links, or leave them out with --no-links, or have what they lead to copied with --copy-links"
