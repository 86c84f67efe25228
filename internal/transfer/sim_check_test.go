package transfer_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// check holds what happened in a run against what may happen.
func (w *world) check(t *testing.T) {
	t.Helper()
	w.checkDisk(t)
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

// checkDisk: whatever happened, a name shows what was there before or the whole
// new file, and a journal tells the truth.
func (w *world) checkDisk(t *testing.T) {
	t.Helper()
	for _, id := range w.source.files() {
		path := w.source.paths[id]
		now, ok := w.plot.disk.files[path]
		if old, was := w.before.files[path]; !ok && was {
			t.Errorf("%s is gone", path)
		} else if same := was && bytes.Equal(now.data, old.data) && now.meta.ModTime.Equal(old.meta.ModTime); ok && !same && !bytes.Equal(now.data, w.source.data[id]) {
			t.Errorf("%s is neither the old file nor the new one", path)
		}
		part := w.plot.disk.partials[path]
		for _, r := range part.have {
			if !bytes.Equal(part.data[r.Off:r.End()], w.source.data[id][r.Off:r.End()]) {
				t.Errorf("the journal of %s claims other bytes", path)
			}
		}
	}
	if w.source.open != 0 {
		t.Errorf("%d sources are open still", w.source.open)
	}
}

// checkPromise: an end that says that all is done has every file in place but for
// those that it has told of, and both ends say the same. The end that writes is
// the daemon for a put and the client for a get; the client's word counts for
// both.
func (w *world) checkPromise(t *testing.T) {
	t.Helper()
	if w.client.err == nil || w.direction == transport.Put && w.daemon.err == nil {
		w.checkComplete(t)
	}
	if w.client.err != nil {
		return
	}
	c, d := w.client.report, w.daemon.report
	if w.daemon.err != nil {
		t.Error("the client says success, the daemon does not")
	}
	if c.Files != d.Files || c.Entries != d.Entries || c.Entries != int64(len(w.source.entries)) || c.Problems != d.Problems {
		t.Errorf("the reports differ: %+v and %+v", c, d)
	}
	if c.Problems != w.client.problems.Load() {
		t.Errorf("%d problems, but %d were told", c.Problems, w.client.problems.Load())
	}
	if w.client.spare != nil {
		t.Errorf("a slot is missing after the copy: %v", w.client.spare)
	}
}

// checkComplete: whatever had no trouble is in place, and the rest is as it was.
func (w *world) checkComplete(t *testing.T) {
	t.Helper()
	failed := 0
	for _, id := range w.source.files() {
		path := w.source.paths[id]
		now, ok := w.plot.disk.files[path]
		whole := ok && bytes.Equal(now.data, w.source.data[id]) && now.meta.ModTime.Equal(w.source.entries[id-1].Meta.ModTime)
		if !whole {
			failed++
			if k := w.source.trouble[id]; (k == healthy || k == torn) && w.sinkTrouble[id] == healthy {
				t.Errorf("success, but %s is not in place", path)
			}
		}
	}
	clean := failed == 0 && len(w.source.problem) == 0
	if told := w.client.problems.Load(); w.client.err == nil && told != int64(failed+len(w.source.problem)) {
		t.Errorf("%d files are not in place, and %d were not read, but %d problems were told", failed, len(w.source.problem), told)
	}
	if !w.plot.finished || w.plot.clean != clean {
		t.Errorf("finished %v, clean %v, with %d failed", w.plot.finished, w.plot.clean, failed)
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
		t.Errorf("%d bundles driven at once, window %d", w.daemon.most, w.driveWindow)
	}
	// A file that bundles bring in parts is one that the lender works on, and a bundle
	// that is to come again keeps its files open.
	most := max(w.open, w.link.long) + w.lendWindow + 1
	if w.open > 0 && w.client.report.Retried+w.daemon.report.Retried == 0 && w.plot.most > most {
		t.Errorf("%d files in the making at once, at most %d", w.plot.most, most)
	}
	for _, s := range []*side{&w.client, &w.daemon} {
		if s.progress.Load() != s.report.Bytes+s.report.Kept {
			t.Errorf("progress says %d bytes, the report %d and %d kept", s.progress.Load(), s.report.Bytes, s.report.Kept)
		}
	}
	if w.took > atMost {
		t.Errorf("took %s", w.took)
	}
}

// checkSurvived: with no fault, or with one that has to be survived, the copy
// comes to its end; a bundle that is damaged once is moved again, once, and so is each
// whose pages were written to, and each that a rail held when it was lost.
func (w *world) checkSurvived(t *testing.T) {
	t.Helper()
	if w.client.err != nil || w.daemon.err != nil {
		t.Errorf("nothing was in the way, but: client %v, daemon %v", w.client.err, w.daemon.err)
	}
	most := int64(0)
	if w.wire.CorruptAt > 0 {
		most = 1
	}
	if w.wire.Paged {
		most += w.written()
	}
	r := w.client.report
	if r.Damaged > most {
		t.Errorf("the digests of %d bundles differed, at most %d had to", r.Damaged, most)
	}
	if w.wire.CutAt > 0 || w.wire.FailAt > 0 {
		most += int64(w.slots) // what a rail held when it was lost
	}
	if r.Retried > most {
		t.Errorf("%d bundles retried, at most %d had to be", r.Retried, most)
	}
}

// brought is how many bytes a run has brought to the destination.
func (w *world) brought() int64 {
	r := w.client.report
	if w.direction == transport.Put {
		r = w.daemon.report
	}
	return r.Bytes + r.Kept
}

// checkResumed: what had landed when a run ended without losing power is not
// moved again by the next.
func (w *world) checkResumed(t *testing.T, before int64) {
	t.Helper()
	var wanted int64
	for _, id := range w.source.files() {
		e := w.source.entries[id-1]
		old, was := w.before.files[w.source.paths[id]]
		if !was || !old.meta.ModTime.Equal(e.Meta.ModTime) {
			wanted += tree.RangesOf(e.Ranges()).Bytes()
		}
	}
	if got := before + w.brought(); got != wanted {
		t.Errorf("%d bytes were brought by two runs, %d and %d, but %d were wanted", got, before, w.brought(), wanted)
		t.Log(w)
	}
}

// written is how many bundles the files that are written to may take.
func (w *world) written() int64 {
	var n int64
	for id, kind := range w.source.trouble {
		if kind == torn || kind == changes {
			n += int64(len(w.source.data[id])/w.chunk + 1)
		}
	}
	return n
}
