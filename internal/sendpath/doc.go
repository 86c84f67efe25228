// Package sendpath sends one file over loopback by each way that Linux has from a file to
// a socket, and tells what it cost: rdmacp bench paths.
package sendpath
