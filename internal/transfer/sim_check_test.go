package transfer_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transfer"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// check holds what happened against what may happen.
func (w *world) check(t *testing.T) {
	t.Helper()
	w.checkPromise(t)
	w.checkError(t, "client", w.client.err)
	w.checkError(t, "daemon", w.daemon.err)
	w.checkBounds(t)
	if len(w.mayFail()) == 0 {
		w.checkSurvived(t)
	}
	if t.Failed() {
		t.Log(w)
	}
}

// checkPromise: an end that says that it wrote the file wrote it whole, and what
// both ends say is the same. The end that writes is the daemon for a put and the
// client for a get; the client's word counts for both.
func (w *world) checkPromise(t *testing.T) {
	t.Helper()
	written := w.client.err == nil || w.direction == transport.Put && w.daemon.err == nil
	if written && !bytes.Equal(w.source.bytes(), w.sink.bytes()) {
		t.Error("success, but the sink differs from the source")
	}
	if w.client.err != nil {
		return
	}
	if w.daemon.err != nil {
		t.Error("the client says success, the daemon does not")
	}
	if w.client.report != w.daemon.report {
		t.Error("the reports differ")
	}
	whole := transfer.Report{Bytes: w.plan.Size, Chunks: w.plan.Chunks(), Retried: w.client.report.Retried}
	if w.client.report != whole {
		t.Errorf("report %+v of a whole copy", w.client.report)
	}
	if w.client.spare != nil {
		t.Errorf("a slot is missing after the copy: %v", w.client.spare)
	}
}

// checkError: an error is a fault, of a code that the injected faults explain,
// and says what to do where a second run would help.
func (w *world) checkError(t *testing.T, who string, err error) {
	t.Helper()
	if err == nil {
		return
	}
	var f *fault.Error
	if !errors.As(err, &f) {
		t.Errorf("%s: error is no fault: %v", who, err)
		return
	}
	if !w.mayFail()[f.Code] {
		t.Errorf("%s: fault of code %s out of nothing: %v", who, f.Code, err)
	}
	if f.Code == fault.Lost && f.Fix == "" {
		t.Errorf("%s: %v: no word about what to do", who, err)
	}
}

// checkBounds: neither end holds more than its window, progress says what the
// report says, and the end comes soon.
func (w *world) checkBounds(t *testing.T) {
	t.Helper()
	if w.link.most > w.lendWindow {
		t.Errorf("%d offers at once, window %d", w.link.most, w.lendWindow)
	}
	if w.daemon.most > w.driveWindow {
		t.Errorf("%d chunks driven at once, window %d", w.daemon.most, w.driveWindow)
	}
	for _, s := range []*side{&w.client, &w.daemon} {
		if s.progress.Load() != s.report.Bytes {
			t.Errorf("progress says %d bytes, the report %d", s.progress.Load(), s.report.Bytes)
		}
	}
	if w.took > atMost {
		t.Errorf("took %s", w.took)
	}
}

// checkSurvived: with no fault, or with one that has to be survived, the copy
// succeeds; a chunk that is damaged once is moved again, once.
func (w *world) checkSurvived(t *testing.T) {
	t.Helper()
	if w.client.err != nil || w.daemon.err != nil {
		t.Errorf("nothing was in the way, but: client %v, daemon %v", w.client.err, w.daemon.err)
	}
	var retried int64
	if w.wire.CorruptAt > 0 && w.wire.CorruptAt <= w.plan.Chunks() {
		retried = 1
	}
	if w.client.report.Retried != retried {
		t.Errorf("%d chunks retried, want %d", w.client.report.Retried, retried)
	}
}
