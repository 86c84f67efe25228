//go:build !linux

package device

import "errors"

// PriorityFlow knows of none.
func PriorityFlow(string) (PFC, error) { return PFC{}, errors.ErrUnsupported }
