// Package client is the user's end of the control plane: it opens a session with
// a daemon, lends it memory, and lets it put or get files.
package client
