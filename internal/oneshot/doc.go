// Package oneshot is how rdmacp has an rdmad of its own started on another host, by a
// remote shell as ssh, and what the two say over its pipe before they speak gRPC.
//
// Each makes a key for the occasion, and tells the other its certificate. Nothing of that
// is secret: ssh has proved who the two hosts are, and so each knows the only key that it
// will talk to (TLS 1.3, at both ends). Not a byte of a file goes through ssh.
//
// The pipe stays open for as long as rdmacp wants the other: when it closes, rdmad ends.
package oneshot
