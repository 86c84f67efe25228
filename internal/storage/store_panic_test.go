package storage

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/rdmacp/rdmacp/internal/tree"
)

// A panic, at whatever step, costs what it has met. Nothing stays locked or half done, so that the same
// copy can be made again by the same process.
func TestStorePanics(t *testing.T) {
	t.Parallel()
	steps := sceneSteps(t)
	for i, s := range steps {
		for _, done := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d %s %v", i, s, done), func(t *testing.T) {
				t.Parallel()
				panics(t, int64(i), done)
			})
		}
	}
}

// panics plays the scene, with a panic ahead of the nth step, or behind it, and then once more.
func panics(t *testing.T, n int64, done bool) {
	t.Helper()
	dir := t.TempDir()
	setScene(t, dir)
	s, err := Land(dir, tree.Into, false, sceneOptions())
	if err != nil {
		t.Fatal(err)
	}
	var calls, off atomic.Int64
	s.pace = brisk
	s.pace.bytes = 4 * piece
	s.seam = func(s step, call func() error) error {
		here := calls.Add(1) == n+1 && off.Load() == 0
		if here && !done {
			panic("here")
		}
		err := hurried(s, call)
		if here {
			panic("here")
		}
		return err
	}
	ts, _, _ := scene()
	var out *outcome
	func() {
		defer func() { _ = recover() }()
		out = ts.send(t.Context(), s)
	}()
	off.Store(1)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	wantScene(t, "after the panic", dir, out)
	if out, err := playScene(t.Context(), dir, hurried); err != nil || out.failed() != nil {
		t.Fatal("again:", err, out.failed())
	}
	_, _, after := scene()
	wantTree(t, dir, after)
}
