package device

import (
	"context"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"
)

// TestAwaitRemoval takes the file by which a device is opened out of sysfs, as the kernel does
// first of all when it removes the device.
func TestAwaitRemoval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sysfs := fstest.MapFS{
			"class/infiniband/rxe0/node_type":       {},
			"class/infiniband_verbs/abi_version":    {Data: []byte("6\n")},
			"class/infiniband_verbs/uverbs0/ibdev":  {Data: []byte("rxe1\n")},
			"class/infiniband_verbs/uverbs1/ibdev":  {Data: []byte("rxe0\n")},
			"class/infiniband_verbs/uverbs10/ibdev": {Data: []byte("rxe00\n")},
		}
		ctx, cancel := context.WithCancel(t.Context())
		gone, ended := 0, make(chan struct{})
		go func() {
			defer close(ended)
			awaitRemoval(ctx, sysfs, "rxe0", func() { gone++ })
		}()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if gone != 0 {
			t.Error("the device is there")
		}
		delete(sysfs, "class/infiniband_verbs/uverbs1/ibdev")
		time.Sleep(removalEvery)
		<-ended
		if gone != 1 {
			t.Errorf("told %d times that the device is removed, want once", gone)
		}
		awaitRemoval(ctx, sysfs, "rxe7", func() { t.Error("what sysfs does not list is not removed") })
		cancel()
		awaitRemoval(ctx, sysfs, "rxe1", func() { t.Error("it is there") })
	})
}
