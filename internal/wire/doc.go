// Package wire turns the messages of rdmacp.v1 into values and back, and refuses
// what no honest peer would send: every number and every length that arrives is
// checked here, so that the packages behind it can rely on them.
package wire
