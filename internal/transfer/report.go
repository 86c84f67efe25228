package transfer

import "sync"

// Report is what one end did.
type Report struct {
	Bytes   int64 // payload bytes whose digests matched
	Chunks  int64 // chunks whose digests matched
	Retried int64 // times that a chunk was moved again because its digests differed
}

// Options tune one end. The zero value is usable.
type Options struct {
	Window   int               // chunks in flight at once; 0: 16
	Progress func(bytes int64) // called after each chunk with its length; may be called from several goroutines
}

func (o Options) window() int {
	if o.Window > 0 {
		return o.Window
	}
	return 16
}

// tally adds up a Report.
type tally struct {
	progress func(bytes int64)

	mu     sync.Mutex
	report Report
}

// moved counts a chunk of n bytes.
func (t *tally) moved(n int) {
	t.mu.Lock()
	t.report.Bytes += int64(n)
	t.report.Chunks++
	t.mu.Unlock()
	if t.progress != nil {
		t.progress(int64(n))
	}
}

// retried counts a chunk that is moved again.
func (t *tally) retried() {
	t.mu.Lock()
	t.report.Retried++
	t.mu.Unlock()
}

func (t *tally) sum() Report {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.report
}
