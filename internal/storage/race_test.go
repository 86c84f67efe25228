package storage

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// again runs a race many times, for as long as it takes but not for long.
func again(try func(i int)) {
	deadline := time.Now().Add(500 * time.Millisecond)
	for i := 0; i < 2000 && time.Now().Before(deadline); i++ {
		try(i)
	}
}

// hurried leaves out what costs time and decides nothing here.
func hurried(s step, call func() error) error {
	switch s { //nolint:exhaustive // all others are called
	case stepSync, stepSyncDir, stepSyncFS, stepJournalSync, stepJournalKeep:
		return nil
	}
	return call()
}

// adversary calls meddle again and again until the test is over, with a breath
// now and then in which a copy can come through.
func adversary(t *testing.T, meddle func(i int)) {
	t.Helper()
	var stop atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; !stop.Load(); i++ {
			meddle(i)
			if i%100 == 0 {
				time.Sleep(time.Millisecond)
			}
		}
	}()
	t.Cleanup(func() {
		stop.Store(true)
		<-done
	})
}

// race copies to name beneath d again and again, and wants some of the copies to
// come through.
func race(t *testing.T, d *Dir, name string) {
	t.Helper()
	through, stopped := 0, make(map[fault.Code]int)
	again(func(int) {
		err := copyBelow(t, d, name)
		if err == nil {
			through++
			return
		}
		stopped[fault.CodeOf(err)]++
		if fault.CodeOf(err) == fault.Internal {
			t.Errorf("not a fault of the file system's: %v", err)
		}
	})
	t.Logf("%d copies came through, %v were stopped", through, stopped)
	if through == 0 {
		t.Error("no copy came through")
	}
}

func copyBelow(t *testing.T, d *Dir, name string) error {
	t.Helper()
	s, err := d.create(name, newMeta(), hurried)
	if err != nil {
		return err
	}
	err = fill(s)
	if err == nil {
		err = s.Commit(t.Context())
	}
	return errors.Join(err, s.Close())
}

// The directory that is copied into is swapped for a link that leads out, and
// back, all the time.
func TestRaceParentSwapped(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	dir, outside := mkdir(t, base, "dir"), mkdir(t, base, "outside")
	write(t, filepath.Join(outside, "f"), oldText)
	sub, link, away := mkdir(t, dir, "sub"), filepath.Join(dir, "link"), filepath.Join(dir, "away")
	symlink(t, "../outside", link)
	d := openDir(t, dir)
	adversary(t, func(int) {
		_ = os.Rename(sub, away)
		_ = os.Rename(link, sub)
		_ = os.Rename(sub, link)
		_ = os.Rename(away, sub)
	})
	race(t, d, "sub/f")
	wantNames(t, outside, "f")
	wantText(t, filepath.Join(outside, "f"), oldText)
}

// The partial's name and the destination's are replaced by links to files that
// must not be touched, inside and outside.
func TestRaceLinksPlanted(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	dir, outside := mkdir(t, base, "dir"), mkdir(t, base, "outside")
	victims := []string{filepath.Join(outside, "out"), filepath.Join(dir, "in")}
	for _, v := range victims {
		write(t, v, oldText)
	}
	d := openDir(t, dir)
	partial, leaf := filepath.Join(dir, partialName("f")), filepath.Join(dir, "f")
	adversary(t, func(i int) {
		plant := filepath.Join(dir, fmt.Sprintf("plant%d", i%5))
		switch i % 5 {
		case 0:
			_ = os.Symlink("../outside/out", plant)
		case 1:
			_ = os.Symlink("in", plant)
		case 2:
			_ = os.Link(victims[1], plant)
		case 3:
			_ = os.Symlink("made", plant)
		case 4:
			_ = os.Symlink("../outside/made", plant)
		}
		if i%2 == 0 {
			_ = os.Rename(plant, partial)
		} else {
			_ = os.Rename(plant, leaf)
		}
		_ = os.Remove(plant)
		if i%3 == 0 {
			_ = os.Remove(partial)
		}
	})
	race(t, d, "f")
	for _, v := range victims {
		wantText(t, v, oldText)
	}
	wantNames(t, outside, "out")
	for _, path := range []string{filepath.Join(outside, "made"), filepath.Join(dir, "made")} {
		if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s was made: %v", path, err)
		}
	}
}

// Sources are swapped for links that lead out: what is read is never outside.
func TestRaceSourceSwapped(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	dir, outside := mkdir(t, base, "dir"), mkdir(t, base, "outside")
	write(t, filepath.Join(outside, "f"), oldText)
	sub, link, away := mkdir(t, dir, "sub"), filepath.Join(dir, "link"), filepath.Join(dir, "away")
	write(t, filepath.Join(sub, "f"), newText)
	symlink(t, "../outside", link)
	d := openDir(t, dir)
	adversary(t, func(int) {
		_ = os.Rename(sub, away)
		_ = os.Rename(link, sub)
		_ = os.Rename(sub, link)
		_ = os.Rename(away, sub)
	})
	opened := 0
	again(func(int) {
		s, err := d.Source("sub/f")
		if err != nil {
			return
		}
		opened++
		if s.Meta().Size != int64(len(newText)) {
			t.Errorf("read a file of %d bytes", s.Meta().Size)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if opened == 0 {
		t.Error("it could never be opened")
	}
}

// The directory is removed and made anew: the copy goes to the one that it
// began in, or fails.
func TestDirectoryRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	sub := mkdir(t, dir, "sub")
	s, err := Create(filepath.Join(sub, "f"), newMeta())
	if err != nil {
		t.Fatal(err)
	}
	if err := fill(s); err != nil {
		t.Error(err)
	}
	if err := os.Rename(sub, filepath.Join(dir, "moved")); err != nil {
		t.Fatal(err)
	}
	mkdir(t, dir, "sub")
	if err := s.Commit(t.Context()); err != nil {
		t.Error(err)
	}
	wantText(t, filepath.Join(dir, "moved", "f"), newText)
	wantNames(t, sub)

	s, err = Create(filepath.Join(sub, "f"), newMeta())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(sub); err != nil {
		t.Fatal(err)
	}
	wantFault(t, s.Commit(t.Context()), fault.IO, "removed or replaced")
}

// Someone else's file at the partial's name is neither put into place nor
// removed, and a directory that has come to stand at the destination stays.
func TestMeddling(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, partial := filepath.Join(dir, "f"), filepath.Join(dir, partialName("f"))
	begin := func() *Sink {
		s, err := Create(path, newMeta())
		if err != nil {
			t.Fatal(err)
		}
		if err := fill(s); err != nil {
			t.Error(err)
		}
		return s
	}
	s := begin()
	if err := os.Remove(partial); err != nil {
		t.Fatal(err)
	}
	write(t, partial, "someone else's")
	wantFault(t, s.Commit(t.Context()), fault.IO, "removed or replaced")
	wantText(t, partial, "someone else's")
	wantNames(t, dir, partialName("f"))

	s = begin()
	if err := os.Truncate(partial, 3); err != nil {
		t.Fatal(err)
	}
	wantFault(t, s.Commit(t.Context()), fault.IO, "its size was changed from 49 to 3 bytes")
	wantNames(t, dir)

	s = begin()
	mkdir(t, path)
	wantFault(t, s.Commit(t.Context()), fault.NotRegular, "a directory has come to stand there")
	wantNames(t, dir, "f")
}
