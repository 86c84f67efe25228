package device

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestAwaitRemoval takes the file by which a device is opened out of sysfs, as the kernel does
// first of all when it removes the device.
func TestAwaitRemoval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		top := t.TempDir()
		sysfs := os.DirFS(top)
		for name, text := range map[string]string{
			"infiniband/rxe0/node_type":       "",
			"infiniband_verbs/abi_version":    "6\n",
			"infiniband_verbs/uverbs0/ibdev":  "rxe1\n",
			"infiniband_verbs/uverbs1/ibdev":  "rxe0\n",
			"infiniband_verbs/uverbs10/ibdev": "rxe00\n",
		} {
			path := filepath.Join(top, "class", name)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		var gone atomic.Int32
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			awaitRemoval(ctx, sysfs, "rxe0", func() { gone.Add(1) })
		}()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if gone.Load() != 0 {
			t.Error("the device is there")
		}
		if err := os.RemoveAll(filepath.Join(top, "class/infiniband_verbs/uverbs1")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(removalEvery)
		<-ended
		if gone.Load() != 1 {
			t.Errorf("told %d times that the device is removed, want once", gone.Load())
		}
		awaitRemoval(ctx, sysfs, "rxe7", func() { t.Error("what sysfs does not list is not removed") })
		cancel()
		awaitRemoval(ctx, sysfs, "rxe1", func() { t.Error("it is there") })
	})
}
