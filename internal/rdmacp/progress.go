package rdmacp

import (
	"cmp"
	"fmt"
	"io"
	"time"

	"github.com/rdmacp/rdmacp/internal/console"
)

// progress shows, from time to time, how far a copy is. The zero value shows
// nothing.
type progress struct {
	meter meter
	first time.Duration // from the start to the first show, then twice as long each time; 0: every
	every time.Duration // at most; 0: never
	begin func(sample)  // before the first show; may be nil
	show  func(sample)
	end   func() // after the last show; may be nil

	quit, done chan struct{}
}

// start begins to show a copy.
func (p *progress) start() {
	p.meter.start(time.Now())
	if p.every == 0 {
		return
	}
	if p.begin != nil {
		p.begin(p.meter.sample(time.Now()))
	}
	p.quit, p.done = make(chan struct{}), make(chan struct{})
	go p.loop()
}

// loop shows the meter until stop.
func (p *progress) loop() {
	defer close(p.done)
	wait := cmp.Or(p.first, p.every)
	next := time.NewTimer(wait)
	defer next.Stop()
	for {
		select {
		case now := <-next.C:
			p.show(p.meter.sample(now))
			wait = min(2*wait, p.every)
			next.Reset(wait)
		case <-p.quit:
			return
		}
	}
}

// stop ends the show; nothing of it is written any more when it returns. It may
// be called without start, and again.
func (p *progress) stop() {
	if p.quit == nil {
		return
	}
	close(p.quit)
	<-p.done
	p.quit = nil
	if p.end != nil {
		p.end()
	}
}

// A log wants to hear of a copy soon, that it began, and then not too often.
const (
	plainFirst = 2 * time.Second
	plainEvery = 30 * time.Second
)

// plainProgress writes a line now and then.
func plainProgress(w io.Writer, name string) *progress {
	return &progress{first: plainFirst, every: plainEvery, show: func(s sample) {
		_, _ = fmt.Fprintf(w, "%s: %s\n", name, status(s))
	}}
}

// status is a sample in words.
func status(s sample) string {
	files := ""
	if s.Files > 1 {
		files = fmt.Sprintf("  files %d/%d", s.FilesDone, s.Files)
	}
	return fmt.Sprintf("%s of %s  %s  ETA %s%s", console.Bytes(s.Done), console.Bytes(s.Total), console.Rate(s.Rate), console.Duration(s.Left), files)
}
