package storage

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// pace says for which files a journal is kept, and how often it is written.
type pace struct {
	larger int64         // than that many bytes are the files with a journal
	bytes  int64         // are recorded once that many have landed; twice that are never without a record
	period time.Duration // and when that long has passed
}

var usualPace = pace{larger: 8 << 20, bytes: 64 << 20, period: time.Second}

// worthResuming reports whether a journal is kept of a file. It is not where
// nothing tells whether the source is the same at the next run.
func (s *Store) worthResuming(e tree.Entry) bool {
	return e.Meta.Size > s.pace.larger && !e.Meta.ModTime.IsZero()
}

// journal is the journal of a file in the making, open for writing. A nil journal
// records nothing.
//
// Whoever adds the range that makes a record due starts a goroutine for it, which
// ends with it; end waits for it. Where the disk takes longer than that for what is
// being recorded, whoever adds waits: what a crash costs has a bound.
type journal struct {
	sink *Sink
	file *os.File
	pace pace
	seed uint64

	mu      sync.Mutex
	pending []sum
	bytes   int64 // in pending
	last    time.Time
	flushes sync.WaitGroup
	busy    bool       // a flush is under way
	room    *sync.Cond // there may be, for something to be pending
	ended   bool       // nothing is recorded any more
	size    int64      // of what was written
	durable int64      // bytes of the file that are on record
}

// startJournal makes the journal of a landing whose partial file holds nothing.
// Where that is not possible, it is done without.
func (l *landing) startJournal() *journal {
	p := l.sink.place
	name := journalName(p.leaf)
	source := encodeSource(identityOf(l.entry.Meta))
	var f *os.File
	err := l.sink.seam.do(stepJournalMake, func() (err error) {
		if err := removeAt(p.root, name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		f, err = p.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		return err
	})
	if f == nil {
		return nil
	}
	j := newJournal(l, f, checkOf(source))
	b := append([]byte(journalMagic), source...)
	if err != nil || j.write(append(b, encodeWriter(us(), j.seed)...)) != nil {
		_ = j.remove() // it is only the journal
		j.close()
		return nil
	}
	return j
}

func newJournal(l *landing, f *os.File, seed uint64) *journal {
	j := &journal{sink: l.sink, file: f, pace: l.store.pace, seed: seed, last: time.Now()}
	j.room = sync.NewCond(&j.mu)
	return j
}

// us is this process.
func us() writer {
	host, err := os.Hostname()
	if err != nil {
		host = "this host"
	}
	return writer{Program: filepath.Base(os.Args[0]), Host: host, PID: int64(os.Getpid()), Since: time.Now()}
}

// write appends to the journal.
func (j *journal) write(b []byte) error {
	err := j.sink.seam.do(stepJournalAppend, func() error {
		_, err := j.file.WriteAt(b, j.size)
		return err
	})
	if err == nil {
		j.size += int64(len(b))
	}
	return err
}

// add notes a range that is in the partial file and right.
func (j *journal) add(s sum) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for j.busy && j.bytes >= j.pace.bytes {
		j.room.Wait()
	}
	if j.ended {
		return
	}
	j.pending = append(j.pending, s)
	j.bytes += s.Len
	if !j.busy && (j.bytes >= j.pace.bytes || time.Since(j.last) >= j.pace.period) {
		j.busy = true
		j.flushes.Go(j.flush)
	}
}

// flush brings what is pending to stable storage and records it, in that order.
// Bytes that could not be brought there are lost without a trace in the partial
// file: it must not be committed.
func (j *journal) flush() {
	j.mu.Lock()
	batch, bytes := j.pending, j.bytes
	j.pending, j.bytes = nil, 0
	j.room.Broadcast()
	j.mu.Unlock()

	err := j.keep(batch)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.busy, j.last = false, time.Now()
	j.room.Broadcast()
	if err != nil {
		j.ended, j.pending = true, nil
		return
	}
	j.durable += bytes
}

// keep does that for a batch. A journal that lacks it is no reason to give the file up; a bug in here is.
func (j *journal) keep(batch []sum) (err error) {
	synced := false
	defer func() {
		if !synced || fault.Panicked(err) {
			_ = j.sink.spoil("syncing", err)
		}
	}()
	defer fault.Caught(&err, "keeping a journal")
	if err := j.sink.seam.do(stepJournalSync, func() error { return syncData(j.sink.file) }); err != nil {
		return err
	}
	synced = true
	return j.record(batch)
}

// record writes down what is on stable storage.
func (j *journal) record(batch []sum) error {
	b := make([]byte, 0, len(batch)*(recordHead+rangeSize+recordTail))
	for _, s := range batch {
		b = append(b, encodeRange(s, j.seed)...)
	}
	if err := j.write(b); err != nil {
		return err
	}
	return j.sink.seam.do(stepJournalKeep, func() error { return syncData(j.file) })
}

// settle waits for what is being recorded, records the rest, and returns how many
// bytes are on record.
func (j *journal) settle() int64 {
	if j == nil {
		return 0
	}
	j.flushes.Wait()
	j.mu.Lock()
	due := len(j.pending) > 0 && !j.ended
	j.busy = due
	j.mu.Unlock()
	if due {
		j.flush()
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.durable
}

// end stops the recording. Where the file is to stay, it records the rest and
// reports whether there is anything that makes it worth it.
func (j *journal) end(stays bool) bool {
	if j == nil {
		return false
	}
	if stays {
		stays = j.settle() > 0
	}
	j.mu.Lock()
	j.ended, j.pending = true, nil
	j.mu.Unlock()
	j.flushes.Wait()
	return stays && j.sink.spoiled.Load() == nil
}

// remove removes the journal, unless its name is another's by now.
func (j *journal) remove() error {
	if j == nil {
		return nil
	}
	p := j.sink.place
	name := journalName(p.leaf)
	err := j.sink.seam.do(stepJournalRemove, func() error {
		held, err := j.file.Stat()
		if err != nil {
			return err
		}
		here, err := p.root.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || !os.SameFile(held, here) {
			return err
		}
		return removeAt(p.root, name)
	})
	return wrap("removing the journal of "+p.shown(), err)
}

func (j *journal) close() {
	if j != nil {
		_ = j.file.Close() // nobody believes it anyway
	}
}
