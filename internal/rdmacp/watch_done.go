package rdmacp

import (
	"strings"

	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// committed notes a file that is in place, or has turned out to be the same.
func (w *watch) committed(path string, e tree.Entry, s tree.Seal) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.progress.meter.finish()
	w.tally.Finished++
	if w.plan.compares {
		p := w.pending[path]
		delete(w.pending, path)
		w.tally.Unchanged++
		if change := p.verdict.Change &^ tree.Content; change != 0 {
			p.verdict.Change, p.verdict.Answer = change, tree.Done
			w.different(path, e, p.verdict)
		}
		return
	}
	sum := s.Whole
	if sum == nil && w.piped != nil {
		sum = w.piped()
	}
	if w.json && w.files && (!w.list || sum != nil) {
		w.line(fileLine{
			head: head{jsonVersion, "file"}, pathField: newPathField(path), Kind: e.Kind.String(), Bytes: s.Size,
			Digest: hexSum(w.plan.land.Digest.String(), sum),
		})
	}
	if sum == nil || w.plan.land.Digest == tree.NoDigest {
		return
	}
	w.sum(sum, path)
	if e.Linked {
		for _, other := range w.told.sum(e.ID, sum) {
			w.sum(sum, other)
		}
	}
}

// sum tells a file's digest.
func (w *watch) sum(sum []byte, path string) {
	if w.manifest != nil {
		w.manifest.add(sum, w.renamed(path))
	}
	if w.sums && !w.json {
		w.print(sumLine(sum, path))
	}
}

// renamed is a path as it is at the destination, relative to the directory that a
// tree has landed in.
func (w *watch) renamed(p string) string {
	if w.as == "" && (w.goesOn == nil || !w.goesOn()) {
		return p
	}
	if _, below, deeper := strings.Cut(p, "/"); deeper {
		return below
	}
	return w.as
}

// removed notes what was deleted, or would have been.
func (w *watch) removed(path string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tally.Deleted++
	switch {
	case !w.list:
	case w.json:
		w.line(fileLine{head: head{jsonVersion, "file"}, pathField: newPathField(path), Change: "*deleting"})
	default:
		w.print(deleting + " " + console.Escape(path) + "\n")
	}
}

// problem notes what could not be copied. In a comparison, digests that differ are
// what was asked for.
func (w *watch) problem(p tree.Problem) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if found, ok := w.pending[p.Path]; ok && w.plan.compares && fault.CodeOf(p.Fault) == fault.Integrity {
		delete(w.pending, p.Path)
		found.verdict.Change |= tree.Content
		w.tally.WouldCopy++
		w.tally.WouldSend += max(found.entry.Meta.Size, 0)
		w.different(p.Path, found.entry, found.verdict)
		return
	}
	w.problems.add(p, w.alone(p.Path))
	if w.json {
		w.line(problemLineOf(p))
	}
}

// alone reports whether path is the one thing to copy, so far as is known.
func (w *watch) alone(path string) bool {
	return len(w.job.sources) == 1 && w.plan.walk.Files == nil &&
		(w.tally.Entries == 0 || w.tally.Entries == 1 && w.only == path)
}
