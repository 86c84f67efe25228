// Package token has the tokens that a daemon gives to third parties: each is a key, and a
// certificate that nobody but that daemon knows, by which whoever holds the file may copy
// in one direction, in one place of an export, a number of times, until it expires.
//
// A token proves itself in the TLS handshake as any certificate does. Nothing is
// answered, and no message of the protocol read, of who has not done that. The daemon
// keeps no key: what it knows of a token does not let anybody in.
package token
