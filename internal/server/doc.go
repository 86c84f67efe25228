// Package server is the daemon's end of the control plane: it serves sessions,
// drives their transfers and owns the exports.
package server
