package storage

import "github.com/rdmacp/rdmacp/internal/failpoint"

// step names a call to the operating system that a Sink or a Store makes.
type step string

// The steps, in the order in which a Sink takes them. Tests fail and stop a Sink
// at each of them, and so do real processes, which are built for it (package failpoint).
const (
	stepOpen        step = "open"        // make the partial file, or open what a killed run left
	stepLock        step = "lock"        // lock it
	stepIdentify    step = "identify"    // see whether its name still leads to it
	stepDiscard     step = "discard"     // remove a partial file that is of no use
	stepSpace       step = "space"       // ask for the free space
	stepResize      step = "resize"      // set the size
	stepPreallocate step = "preallocate" // reserve the space
	stepWrite       step = "write"       // write some bytes
	stepChmod       step = "chmod"       // set the permissions
	stepTimes       step = "times"       // set the time of the last change
	stepSync        step = "sync"        // bring the file to stable storage
	stepVerify      step = "verify"      // see whether the file has the right size and is still ours
	stepRename      step = "rename"      // put it into place
	stepSyncDir     step = "sync-dir"    // bring the new name to stable storage
	stepRemove      step = "remove"      // remove the partial file of a copy that came to nothing
)

// The further steps of a Store.
const (
	stepMkdir         step = "mkdir"          // make a directory
	stepLink          step = "link"           // give a file that has no name its name
	stepOwner         step = "owner"          // set who owns a file
	stepXattrs        step = "xattrs"         // set the extended attributes
	stepFill          step = "fill"           // take over what the old file has right already
	stepPunch         step = "punch"          // make holes of what is not known to be right
	stepDigest        step = "digest"         // read the whole file for its digest
	stepReadBack      step = "read-back"      // read what was written from the disk
	stepSyncFS        step = "sync-fs"        // bring a whole file system to stable storage
	stepJournalMake   step = "journal-make"   // make the journal, or open a killed run's
	stepJournalRead   step = "journal-read"   // read what it says, and what it speaks of
	stepJournalSync   step = "journal-sync"   // bring what is to be recorded to stable storage
	stepJournalAppend step = "journal-append" // record it
	stepJournalKeep   step = "journal-keep"   // bring the record to stable storage
	stepJournalRemove step = "journal-remove" // remove the journal
	stepMake          step = "make"           // make a link or a device
	stepPutMade       step = "put-made"       // put it into place
	stepDelete        step = "delete"         // remove what the source has not
	stepMark          step = "mark"           // mark a tree as unfinished
	stepUnmark        step = "unmark"         // and as finished
)

// seam stands between a Sink and the operating system: it makes the call, or
// fails in its stead. A nil seam makes the call.
type seam func(s step, call func() error) error

// doStep is seam.do for calls that are made for each of very many files: it makes
// no closure where there is no seam.
func doStep[T any](sm seam, s step, on T, call func(T) error) error {
	if sm == nil && !failpoint.Enabled {
		return call(on)
	}
	return sm.do(s, func() error { return call(on) })
}

func (sm seam) do(s step, call func() error) error {
	if sm == nil {
		return failpoint.Around(string(s), call)
	}
	return sm(s, call)
}
