// Package storage is the files at the two ends of a copy.
//
// A Source is a regular file held open for reading, that can tell whether it
// changed meanwhile. A Sink is a file in the making: its bytes go to a partial
// file beside the destination, and Commit puts it into place in one step, so
// that the destination's name shows the old file or the complete new one and
// never anything else, whenever the process or the machine dies.
//
// A Store is where whole trees land: it makes directories and links, decides which
// files are wanted, makes each by a Sink, and brings many of them to stable storage
// at once. A small file that replaces nothing has no name at all until it is
// complete, where the system can do that: it takes less than half the calls. Of
// large files the Store keeps a journal of what is there and right, from which a
// copy that was interrupted goes on.
//
// Names that come from a peer are resolved beneath a Dir and cannot leave it.
// Every operation works in a directory that is held open, by a leaf name, so
// that nobody can steer it elsewhere by moving directories or planting symbolic
// links while it runs.
//
// Every error is a *fault.Error.
package storage
