package fault_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rdmacp/rdmacp/internal/fault"
)

func works(f func() error) (err error) {
	defer fault.Caught(&err, "working")
	return f()
}

// A panic is a fault, whose stack is told once, however it is wrapped; an error stays one.
func TestCaught(t *testing.T) {
	t.Parallel()
	plain := fault.New(fault.IO, "reading", nil, "")
	if err := works(func() error { return plain }); !errors.Is(err, plain) || fault.Panicked(err) || fault.Stack(err) != "" {
		t.Errorf("an error comes out as %v", err)
	}
	if err := works(func() error { return nil }); err != nil {
		t.Error(err)
	}
	err := fmt.Errorf("lost: %w", works(func() error { panic("oh") }))
	f, ok := fault.As(err)
	if !ok || f.Code != fault.Internal || f.Error() != "working: panic: oh" || f.Fix == "" || !fault.Panicked(err) {
		t.Errorf("a panic comes out as %+v", err)
	}
	if stack := fault.Stack(err); !strings.Contains(stack, "TestCaught") {
		t.Errorf("the stack is %q", stack)
	}
	if stack := fault.Stack(err); stack != "" {
		t.Errorf("it is told again: %q", stack)
	}
}
