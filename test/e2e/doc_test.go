//go:build linux

// Package e2e holds rdmacp and rdmad, as commands on two hosts, to what they
// promise while hosts, wires and disks fail.
//
// The tests run on node1 of two Soft-RoCE guests and drive node2 over the
// guests' management wire: `hack/test e2e`. Each one copies, breaks something,
// and ends with the same questions, which are trial's.
package e2e
