// Package failpoint lets a test end, stop or fail a real process at a named point of its work. It
// does so only in programs that are built with the tag failpoint; in others it is nothing,
// and costs nothing.
package failpoint
