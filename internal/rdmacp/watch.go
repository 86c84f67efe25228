package rdmacp

import (
	"fmt"
	"io"
	"sync"

	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transfer"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// watch follows a transfer by its events: it lists, counts, tells of problems and
// digests, and feeds the progress. What was found out stands in tally.
type watch struct {
	job      job
	plan     plan
	stdout   io.Writer
	stderr   io.Writer
	progress *progress
	list     bool          // itemize on stdout
	sums     bool          // digests on stdout
	json     bool          // file and problem lines on stdout
	files    bool          // json: file lines too
	quiet    bool          // no word of what is resumed
	unproven bool          // --no-verify
	noRDMA   *fault.Error  // why RDMA is not tried any more; nil: it is
	narrow   bool          // TCP sends short packets
	manifest *manifest     // nil: none
	piped    func() []byte // the digest of what came from standard input
	as       string        // if not empty, what is copied gets this name
	goesOn   func() bool   // whether it goes on with a tree that has a name; nil: it does not

	mu       sync.Mutex
	tally    tally
	problems problems
	only     string             // path of the first entry
	firsts   map[int64]string   // paths of files that hard links may follow
	pending  map[string]pending // files that are being compared
	told     told
	resumes  int   // times that something was said of what is resumed
	failed   error // of writing to stdout
}

// anew forgets what the transfer over a connection that was lost has told: the next one
// tells of everything again. What is complete it finds by its digests where times are not
// to be trusted, for it may be the lost one that has brought it.
func (w *watch) anew() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.plan.land.IgnoreTimes && !w.unproven {
		w.plan.land.IgnoreTimes, w.plan.land.Checksum = false, true
	}
	w.tally, w.only, w.firsts, w.pending, w.told = tally{}, "", nil, nil, told{}
	w.problems = problems{out: w.problems.out, all: w.problems.all}
	w.progress.meter.anew()
	if w.manifest != nil {
		w.manifest.anew()
	}
}

// tally is what a transfer's events add up to.
type tally struct {
	Entries   int64 // that were decided on
	Finished  int64 // those of them that are no directories, and are through
	Unchanged int64 // files that were the same already
	Skipped   int64 // files that were left alone since the user said so
	Deleted   int64
	Different int64 // entries that a comparison has found to differ
	WouldSend int64 // bytes that a dry run has not sent
	WouldCopy int64 // files
}

// pending is a file that is being compared.
type pending struct {
	entry   tree.Entry
	verdict tree.Verdict
}

// events are the watch's for the engine.
func (w *watch) events() transfer.Events {
	return transfer.Events{
		Decided: w.decided, Moved: w.progress.meter.add, Committed: w.committed, Removed: w.removed, Problem: w.problem,
	}
}

// decided notes the sink's word on an entry.
func (w *watch) decided(path string, e tree.Entry, v tree.Verdict) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.tally.Entries++; w.tally.Entries == 1 {
		w.only = path
	}
	if first := w.problems.first; first != nil && !w.alone(first.Path) {
		w.problems.flush()
	}
	if e.Linked {
		w.remember(e, path)
	}
	if e.Kind != tree.Dir && (v.Answer == tree.Done || v.Answer == tree.Skip) {
		w.tally.Finished++
	}
	switch v.Answer {
	case tree.Want:
		w.want(path, e, v)
	case tree.Done:
		w.done(path, e, v)
	case tree.Skip:
		w.tally.Skipped++
	case tree.Fail: // a problem follows
	}
}

func (w *watch) remember(e tree.Entry, path string) {
	if w.firsts == nil {
		w.firsts = map[int64]string{}
	}
	w.firsts[e.ID] = path
}

// want notes a file of which bytes are to come.
func (w *watch) want(path string, e tree.Entry, v tree.Verdict) {
	var missing int64
	for _, r := range v.Ranges {
		missing += r.Len
	}
	w.progress.meter.expect(1, missing)
	w.resuming(path, e, v)
	if w.plan.compares {
		if w.pending == nil {
			w.pending = map[string]pending{}
		}
		w.pending[path] = pending{e, v}
		return
	}
	w.itemize(path, e, v)
}

// done notes an entry of which nothing has to be sent.
func (w *watch) done(path string, e tree.Entry, v tree.Verdict) {
	if e.Kind == tree.File {
		if v.Change&(tree.New|tree.Kinds|tree.Content|tree.Size) == 0 {
			w.tally.Unchanged++
		} else {
			w.tally.WouldCopy++
			w.tally.WouldSend += max(e.Meta.Size, 0)
		}
	}
	if v.Change != 0 {
		w.different(path, e, v)
	}
	if e.Kind == tree.Hardlink && w.plan.land.Digest != tree.NoDigest && w.plan.command == copies {
		if sum := w.told.link(path, e.First); sum != nil {
			w.sum(sum, path)
		}
	}
}

// different tells of an entry at which the two sides differ.
func (w *watch) different(path string, e tree.Entry, v tree.Verdict) {
	w.tally.Different++
	w.itemize(path, e, v)
}

// itemize lists an entry.
func (w *watch) itemize(path string, e tree.Entry, v tree.Verdict) {
	if !w.list {
		return
	}
	l := letters(w.job.direction, e, v, w.plan.compares || w.plan.land.Checksum)
	if w.json {
		w.line(fileLine{head: head{jsonVersion, "file"}, pathField: newPathField(path), Kind: e.Kind.String(), Change: l, Bytes: max(e.Meta.Size, 0)})
		return
	}
	w.print(l + " " + listed(path, e, w.firsts[e.First]) + "\n")
}

// resuming says that an earlier run's bytes are made use of, or why they are not.
func (w *watch) resuming(path string, e tree.Entry, v tree.Verdict) {
	text := ""
	switch {
	case v.Resumed > 0:
		text = fmt.Sprintf("resuming: %s of %s are there already", console.Bytes(v.Resumed), console.Bytes(e.Meta.Size))
	case v.Restarted != "":
		text = "starting again: " + console.Escape(v.Restarted)
	}
	if text == "" || w.quiet || w.resumes >= mostShown {
		return
	}
	w.resumes++
	_, _ = fmt.Fprintf(w.stderr, "rdmacp: %s: %s\n", console.Escape(path), text)
}

// print writes to stdout. The first failure is kept.
func (w *watch) print(s string) {
	if w.failed == nil {
		_, w.failed = io.WriteString(w.stdout, s)
	}
}

// say writes a line of JSON from outside.
func (w *watch) say(line any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.line(line)
}

// line writes a line of JSON.
func (w *watch) line(line any) {
	if w.failed == nil {
		w.failed = writeLine(w.stdout, line)
	}
}

// result is how the transfer went, once it is over without a fault of its own.
func (w *watch) result() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.tally
	switch {
	case w.failed != nil:
		return stdoutFault(w.failed)
	case w.plan.command == verifies && t.Different > 0:
		return differ(w.job, t.Different, t.Entries)
	}
	then := ""
	if !w.plan.land.IgnoreTimes && w.plan.command == copies {
		then = ": what is complete is not sent again"
	}
	return w.problems.fault(w.job.what(), then, t.Finished+w.problems.count)
}

// over tells what was held back, since the transfer has failed with another fault.
func (w *watch) over(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if first := w.problems.first; first != nil && fault.CodeOf(first.Fault) == fault.CodeOf(err) {
		return // they are the same
	}
	w.problems.flush()
}
