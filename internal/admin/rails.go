package admin

import (
	"maps"
	"slices"
	"time"

	"github.com/rdmacp/rdmacp/internal/console"
)

// rail is an RDMA port of this host on the page.
type rail struct{ Name, Moved, Now string }

// rails are those that have moved anything, with how fast they have since the last but one look.
func (h *history) rails() (all []rail) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.looks) == 0 {
		return nil
	}
	now := h.looks[len(h.looks)-1]
	was, over := now, lookEvery
	if len(h.looks) > 1 {
		was = h.looks[len(h.looks)-2]
		over = max(now.at.Sub(was.at), time.Millisecond)
	}
	for _, name := range slices.Sorted(maps.Keys(now.rails)) {
		rate := (float64(now.rails[name]) - float64(was.rails[name])) / over.Seconds()
		all = append(all, rail{name, console.Bytes(int64(now.rails[name])), console.Bytes(int64(rate)) + "/s"})
	}
	return all
}
