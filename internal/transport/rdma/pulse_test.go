package rdma

import (
	"testing"
	"testing/synctest"
	"time"
)

// A poller that is at one thing for too long is stuck; one that sleeps, goes on, or has ended is not.
func TestStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = time.Minute
		f := New(Config{})
		sleeps, works := f.pulses.join(), f.pulses.join()
		sleeps.beat()
		sleeps.rest()
		works.beat()
		time.Sleep(limit)
		if f.Stuck(limit) {
			t.Error("stuck ahead of the limit")
		}
		time.Sleep(time.Second)
		if !f.Stuck(limit) {
			t.Error("a poller that does not go on is not stuck")
		}
		works.beat()
		if f.Stuck(limit) {
			t.Error("stuck though it goes on")
		}
		time.Sleep(2 * limit)
		works.leave()
		if f.Stuck(limit) {
			t.Error("a poller that has ended is stuck")
		}
	})
}
