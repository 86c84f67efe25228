package admin

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// What the page shows of the time before: a look each lookEvery, for lookBack.
const (
	lookEvery = 5 * time.Second
	lookBack  = 10 * time.Minute
)

// history is how much had moved at each look, the newest last.
type history struct {
	mu    sync.Mutex
	looks []look
}

// look is how much had moved at a moment, by direction and by RDMA port.
type look struct {
	at           time.Time
	moved, rails map[string]uint64
}

// watch looks at a daemon until stop is closed.
func (h *history) watch(d Daemon, stop <-chan struct{}) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	h.look(d, time.Now())
	for {
		select {
		case now := <-tick.C:
			h.look(d, now)
		case <-stop:
			return
		}
	}
}

// look takes a look, and forgets the oldest.
func (h *history) look(d Daemon, now time.Time) {
	moved, rails := map[string]uint64{}, map[string]uint64{}
	for way, t := range d.Totals() {
		moved[way.Direction] += t.Stats.Bytes
		for name, n := range t.Devices {
			if name != "" { // by TCP
				rails[name] += n
			}
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.looks = append(h.looks, look{now, moved, rails})
	if extra := len(h.looks) - int(lookBack/lookEvery) - 1; extra > 0 {
		h.looks = append(h.looks[:0], h.looks[extra:]...)
	}
}

// rates are the bytes a second between a look and the next.
func (h *history) rates(direction string) (rates []float64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := 1; i < len(h.looks); i++ {
		was, is := h.looks[i-1], h.looks[i]
		rates = append(rates, float64(is.moved[direction]-was.moved[direction])/is.at.Sub(was.at).Seconds())
	}
	return rates
}

// The drawing, in its own units: a look is stepWidth wide.
const (
	drawWidth  = 720
	drawHeight = 120
	stepWidth  = float64(drawWidth) / float64(lookBack/lookEvery)
)

// line is a polyline's points: the newest rate is at the right edge, the highest of all at the top.
func line(rates []float64, most float64) string {
	points := make([]string, 0, len(rates))
	for i, r := range rates {
		x := drawWidth - float64(len(rates)-1-i)*stepWidth
		points = append(points, fmt.Sprintf("%.0f,%.0f", x, drawHeight*(1-r/max(most, 1))))
	}
	return strings.Join(points, " ")
}
