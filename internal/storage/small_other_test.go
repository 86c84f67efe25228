//go:build !linux

package storage

var unsupported []error
