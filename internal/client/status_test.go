package client

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// What a limit was for is told by who has set it, however deep the call is that it ended.
func TestLimitInItsWords(t *testing.T) {
	t.Parallel()
	slow := fault.New(fault.ConnectTimeout, "opening a session", errors.New("no session within 1m"), "wait longer")
	ctx, cancel := context.WithDeadlineCause(t.Context(), time.Now(), slow)
	defer cancel()
	for err, want := range map[error]error{
		fmt.Errorf("connecting queue pairs: %w", ctx.Err()): slow,
		errors.New("no memory"):                             nil,
	} {
		got := toFault(ctx, err, "gpu7")
		if errors.Is(got, slow) != (want != nil) || fault.CodeOf(got) == fault.Timeout {
			t.Errorf("%v became %v", err, got)
		}
	}
}
