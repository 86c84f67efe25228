// Package tree has the words in which the two ends of a copy speak of files:
// what a tree holds, entry by entry, and what is wanted of each.
//
// It is values only. Package storage finds and makes what they describe, package
// transfer moves the bytes, package wire takes them across.
package tree
