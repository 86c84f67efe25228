package storage

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// steps returns the steps of a copy that goes well.
func steps(t *testing.T) []step {
	t.Helper()
	var all []step
	err := copyTo(t.Context(), filepath.Join(t.TempDir(), "f"), func(s step, call func() error) error {
		all = append(all, s)
		return call()
	})
	if err != nil {
		t.Fatal(err)
	}
	return append(all, "end")
}

// The bytes are on stable storage before the name is, and the name before the
// copy is said to be done.
func TestSteps(t *testing.T) {
	t.Parallel()
	want := []step{
		stepOpen, stepLock, stepIdentify, stepSpace, stepResize, stepPreallocate,
		stepWrite, stepWrite, stepWrite,
		stepChmod, stepTimes, stepSync, stepVerify, stepRename, stepSyncDir, "end",
	}
	if diff := cmp.Diff(want, steps(t)); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

// nth returns the number of the call that takes a step for the first time.
func nth(t *testing.T, s step) int {
	t.Helper()
	return slices.Index(steps(t), s) + 1
}

// A process that is killed ahead of any step leaves the old file or the new one,
// and at most one partial file, which the next copy uses.
func TestKilled(t *testing.T) {
	t.Parallel()
	for i, want := range steps(t) {
		t.Run(string(want), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "f")
			write(t, path, oldText)
			v := startVictim(t, path, i+1)
			if v.step != want {
				t.Errorf("it stopped at %q", v.step)
			}
			v.kill(t)

			renamed := want == stepSyncDir || want == "end"
			if renamed {
				wantText(t, path, newText)
			} else {
				wantText(t, path, oldText)
			}
			if renamed || want == stepOpen {
				wantNames(t, dir, "f")
			} else {
				wantNames(t, dir, "f", partialName("f"))
			}

			if err := copyTo(t.Context(), path, nil); err != nil {
				t.Error("the next copy: ", err)
			}
			wantText(t, path, newText)
			wantNames(t, dir, "f")
		})
	}
}

// The lock of a partial file holds between processes, and dies with its holder.
func TestBusyBetweenProcesses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	v := startVictim(t, path, nth(t, stepWrite))
	_, err := Create(path, newMeta())
	wantFault(t, err, fault.Busy, "another copy is writing it")
	wantNames(t, dir, partialName("f"))
	v.kill(t)
	if err := copyTo(t.Context(), path, nil); err != nil {
		t.Error(err)
	}
	wantText(t, path, newText)
	wantNames(t, dir, "f")
}

// Dying again and again leaves no more than dying once.
func TestLeftoversDoNotAccumulate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	for range 3 {
		v := startVictim(t, path, nth(t, stepSync))
		v.kill(t)
		wantNames(t, dir, partialName("f"))
	}
}
