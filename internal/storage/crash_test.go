package storage

import (
	"os"
	"path/filepath"
	"testing"

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

			names := []string{"f", partialName("f")}
			switch want {
			case stepOpen:
				wantText(t, path, oldText)
				names = []string{"f"}
			case stepSyncDir, "end":
				wantText(t, path, newText)
				names = []string{"f"}
			default:
				wantText(t, path, oldText)
			}
			wantNames(t, dir, names...)

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
	n := 0
	for i, s := range steps(t) {
		if s == stepWrite {
			n = i + 1
		}
	}
	v := startVictim(t, path, n)
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
	for i := range len(steps(t)) {
		v := startVictim(t, path, i+1)
		v.kill(t)
		if entries, err := os.ReadDir(dir); err != nil || len(entries) > 2 {
			t.Errorf("killed ahead of %s: %v, %v", v.step, entries, err)
		}
	}
	wantNames(t, dir, "f")
}
