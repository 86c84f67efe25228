package rdmacp

import (
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

const (
	barEvery = 150 * time.Millisecond
	nameMost = 28 // columns that a name may take beside a bar
)

// barProgress draws a bar below whatever else is written to out.
func barProgress(out *messages, name string) *progress {
	var (
		last atomic.Pointer[sample] // what the bar shows; it is drawn by a goroutine of mpb's
		area *mpb.Progress
		bar  *mpb.Bar
	)
	return &progress{
		every: barEvery,
		begin: func(s sample) {
			last.Store(&s)
			area = mpb.New(mpb.WithOutput(out.w), mpb.WithAutoRefresh(), mpb.WithRefreshRate(barEvery))
			// A bar that is told its total from the start ends when it is full; this
			// one's total grows.
			bar = area.New(0, mpb.BarStyle(), mpb.BarRemoveOnComplete(),
				mpb.PrependDecorators(decor.Name(shorten(name, nameMost)+" ")),
				mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return "  " + status(*last.Load()) })))
			out.redirect(area)
		},
		show: func(s sample) {
			last.Store(&s)
			bar.SetTotal(max(s.Total, 1), false)
			bar.SetCurrent(s.Done)
		},
		// The summary says all that a full bar would, so the bar goes.
		end: func() {
			bar.Abort(true)
			area.Wait()
			out.redirect(nil)
		},
	}
}

// shorten cuts the middle out of a name that is longer than most columns.
func shorten(name string, most int) string {
	if utf8.RuneCountInString(name) <= most {
		return name
	}
	r := []rune(name)
	head := (most - 1) / 2
	return string(r[:head]) + "…" + string(r[len(r)-(most-1-head):])
}
