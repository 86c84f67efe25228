package rdma

import (
	"errors"
	"maps"
	"testing"

	"github.com/rdmacp/rdmacp/internal/verbs"
)

// Connections that broke are told apart by the status that broke them; one that nobody knows of has
// no label of its own.
func TestFailures(t *testing.T) {
	t.Parallel()
	f := New(Config{})
	for _, s := range []verbs.WCStatus{verbs.WCRetryExcErr, verbs.WCRetryExcErr, verbs.WCTMRndvIncomplete, 4711} {
		f.tally.failed(s)
	}
	want := map[string]int64{"transport_retry_counter_exceeded": 2, "tag_matching_rendezvous_incomplete": 1, "general_error": 1}
	if got := f.Failures(); !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// The cause that came first breaks a connection, and is told from the others.
func TestFirstCause(t *testing.T) {
	t.Parallel()
	first := errors.New("first")
	c := &conn{broken: make(chan struct{})}
	if !c.fail(first) || c.fail(errors.New("second")) || c.err() != first { //nolint:errorlint // the very one
		t.Errorf("it broke of %v", c.err())
	}
}
