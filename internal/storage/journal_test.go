package storage

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// brisk keeps journals of files that tests can afford, and writes them whenever a
// piece has landed.
var brisk = pace{larger: 64, bytes: piece, period: time.Hour}

// landBrisk is a Store at dir with journals of small files.
func landBrisk(t *testing.T, dir string, o tree.LandOptions, sm seam) *Store {
	t.Helper()
	s, err := Land(dir, tree.Into, false, o)
	if err != nil {
		t.Fatal(err)
	}
	s.pace, s.seam = brisk, sm
	return s
}

// resumable is a file of ten pieces, which all differ.
func resumable() *thing {
	var text strings.Builder
	for i := range 10 {
		fmt.Fprintf(&text, "piece %-*d", piece-len("piece "), i)
	}
	var ts trees
	return ts.file("f", text.String())
}

func (th *thing) piece(i int) tree.Range { return tree.Range{Off: int64(i) * piece, Len: piece} }

// land sends some pieces of th.
func (th *thing) land(t *testing.T, l tree.Landing, pieces ...int) {
	t.Helper()
	for _, i := range pieces {
		r := th.piece(i)
		b := []byte(th.text[r.Off:r.End()])
		if _, err := l.WriteAt(b, r.Off); err != nil {
			t.Error(err)
		}
		l.Landed(r, transport.Sum(b))
		quiet(l)
	}
}

// interrupt copies some pieces of th to dir, and ends.
func (th *thing) interrupt(t *testing.T, dir string, pieces ...int) {
	t.Helper()
	s := landBrisk(t, dir, archive(), hurried)
	defer closeStore(t, s)
	v := s.Add(t.Context(), th.Entry)
	l, err := s.Open(th.Entry, v)
	if err != nil {
		t.Fatal(err)
	}
	th.land(t, l, pieces...)
}

// finish copies what is missing of th and returns what the Store has said.
func (th *thing) finish(t *testing.T, dir string, o tree.LandOptions) (tree.Verdict, int64) {
	t.Helper()
	s := landBrisk(t, dir, o, hurried)
	defer closeStore(t, s)
	out := (&trees{things: []thing{*th}}).send(t.Context(), s)
	noFault(t, out)
	wantText(t, filepath.Join(dir, "f"), th.text)
	wantNames(t, dir, "f")
	return out.verdicts["f"], out.sent
}

func TestResume(t *testing.T) {
	t.Parallel()
	for _, readBack := range []bool{false, true} {
		dir := t.TempDir()
		th := resumable()
		th.interrupt(t, dir, 0, 1, 5)
		wantNames(t, dir, partialName("f"), journalName("f"))
		wantMode(t, filepath.Join(dir, journalName("f")), 0o600)
		th.interrupt(t, dir, 7) // and once more
		wantNames(t, dir, partialName("f"), journalName("f"))
		o := archive()
		o.ReadBack = readBack
		v, sent := th.finish(t, dir, o)
		if v.Resumed != 4*piece || v.Restarted != "" || sent != 6*piece {
			t.Errorf("%+v, %d sent", v, sent)
		}
	}
}

// All was there, but it was not committed.
func TestResumeAtTheEnd(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	th := resumable()
	th.interrupt(t, dir, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
	v, sent := th.finish(t, dir, archive())
	if v.Answer != tree.Want || len(v.Ranges) != 0 || v.Resumed != 10*piece || sent != 0 {
		t.Errorf("%+v, %d sent", v, sent)
	}
}

// Beside an old file, with a delta: what was brought, and what was kept, is there.
func TestResumeDelta(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	th := resumable()
	old := []byte(th.text)
	old[0], old[9*piece] = 'x', 'x'
	write(t, filepath.Join(dir, "f"), string(old))
	o := archive()
	o.Delta, o.IgnoreTimes = true, true
	s := landBrisk(t, dir, o, hurried)
	v := s.Add(t.Context(), th.Entry)
	l, err := s.Open(th.Entry, v)
	if err != nil {
		t.Fatal(err)
	}
	var sent int64
	for i := range 5 {
		r := th.piece(i)
		if err := th.sendPart(l, v, r, []byte(th.text[r.Off:r.End()]), &sent); err != nil {
			t.Error(err)
		}
	}
	if sent != piece {
		t.Errorf("%d bytes were sent", sent)
	}
	closeStore(t, s)
	wantText(t, filepath.Join(dir, "f"), string(old))
	v, sent = th.finish(t, dir, o)
	if v.Resumed != 5*piece || sent != piece {
		t.Errorf("%+v, %d sent", v, sent)
	}
}

// With holes: whatever a killed run has left in them is gone.
func TestResumeSparse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const size = 1 << 20
	text := make([]byte, size)
	copy(text, "in front")
	copy(text[size/2:], newText)
	var ts trees
	th := ts.file("f", string(text))
	th.Data = []tree.Range{{Off: 0, Len: piece}, {Off: size / 2, Len: int64(len(newText))}}
	th.interrupt(t, dir, 0)
	f, err := os.OpenFile(filepath.Join(dir, partialName("f")), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("rubbish"), size/4); err != nil {
		t.Error(err)
	}
	_ = f.Close()
	v, _ := th.finish(t, dir, archive())
	if v.Resumed != piece {
		t.Errorf("%+v", v)
	}
}

// What is left of another source's file is dropped, and it is said why.
func TestRestart(t *testing.T) {
	t.Parallel()
	for why, bend := range map[string]func(*thing){
		"the source was modified at 2001-02-03":         func(th *thing) { th.Meta.ModTime = stamp.Add(time.Nanosecond) },
		"the source's size went from 160 to 161 bytes":  func(th *thing) { th.text += "x"; th.Meta.Size++ },
		"the source is another file now":                func(th *thing) { th.Meta.Inode++ },
		"the source may have been rewritten":            func(th *thing) { th.Meta.Changed++ },
		"the source is another file now, on a new disk": func(th *thing) { th.Meta.Device++ },
	} {
		t.Run(why, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			th := resumable()
			th.interrupt(t, dir, 0, 1, 2)
			bend(th)
			th.text = strings.ToUpper(th.text)
			v, sent := th.finish(t, dir, archive())
			why, _, _ = strings.Cut(why, ",")
			if !strings.HasPrefix(v.Restarted, why) || v.Resumed != 0 || sent != th.Meta.Size {
				t.Errorf("%+v, %d sent", v, sent)
			}
		})
	}
}

// What is not worth it leaves nothing: small files, those of which nothing has
// landed, and those of which the end of the copy said that they are of no use.
func TestNothingToResume(t *testing.T) {
	t.Parallel()
	for _, what := range []string{"small", "nothing landed", "forgotten", "from a pipe"} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			th := resumable()
			s := landBrisk(t, dir, archive(), nil)
			defer closeStore(t, s)
			switch what {
			case "small":
				s.pace.larger = 1000
			case "from a pipe":
				th.Meta.Size = tree.Streamed
			}
			l, err := s.Open(th.Entry, s.Add(t.Context(), th.Entry))
			if err != nil {
				t.Fatal(err)
			}
			if what != "nothing landed" {
				th.land(t, l, 0, 1, 2)
			}
			if err := l.Close(what == "forgotten"); err != nil {
				t.Error(err)
			}
			wantNames(t, dir)
		})
	}
}

// Who has a file is told by name.
func TestBusyTellsWho(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	th := resumable()
	s := landBrisk(t, dir, archive(), nil)
	defer closeStore(t, s)
	l, err := s.Open(th.Entry, s.Add(t.Context(), th.Entry))
	if err != nil {
		t.Fatal(err)
	}
	host, _ := os.Hostname()
	who := fmt.Sprintf("another copy is writing it: %s on %s, process %d, since 20", filepath.Base(os.Args[0]), host, os.Getpid())
	other := landBrisk(t, dir, archive(), nil)
	defer closeStore(t, other)
	v := other.Add(t.Context(), th.Entry)
	wantFault(t, v.Fault, fault.Busy, who)
	_, err = Create(filepath.Join(dir, "f"), newMeta())
	wantFault(t, err, fault.Busy, who)
	th.land(t, l, 0)
	wantNames(t, dir, partialName("f"), journalName("f"))
}

// A journal without its partial file is of no use and goes.
func TestLoneJournal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	th := resumable()
	th.interrupt(t, dir, 0, 1, 2)
	remove(t, filepath.Join(dir, partialName("f")))
	v, sent := th.finish(t, dir, archive())
	if v.Resumed != 0 || sent != th.Meta.Size {
		t.Errorf("%+v, %d sent", v, sent)
	}
}

// A crash leaves any part of a journal, and a partial file that holds what is
// recorded and rubbish elsewhere. Whatever is cut off the journal and whichever bit
// of it is wrong, the file comes out right.
func TestDamagedJournal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	th := resumable()
	th.interrupt(t, dir, 0, 3, 4, 8)
	journal := read(t, filepath.Join(dir, journalName("f")))
	partial := bytes.Repeat([]byte("?"), len(th.text))
	for _, i := range []int{0, 3, 4, 8} {
		r := th.piece(i)
		copy(partial[r.Off:r.End()], th.text[r.Off:])
	}
	try := func(what string, journal, partial []byte, resumed int64) {
		dir := t.TempDir()
		write(t, filepath.Join(dir, partialName("f")), string(partial))
		write(t, filepath.Join(dir, journalName("f")), string(journal))
		v, _ := th.finish(t, dir, archive())
		if v.Resumed != resumed && resumed >= 0 || v.Resumed > 4*piece {
			t.Errorf("%s: %d bytes were resumed", what, v.Resumed)
		}
	}
	try("whole", journal, partial, 4*piece)
	for cut := range journal {
		try(fmt.Sprint("cut at ", cut), journal[:cut], partial, -1)
		flipped := bytes.Clone(journal)
		flipped[cut] ^= 1 << (cut % 8)
		try(fmt.Sprint("wrong at ", cut), flipped, partial, -1)
	}
	for i := range partial {
		flipped := bytes.Clone(partial)
		flipped[i] ^= 0x40
		want := int64(4 * piece)
		if flipped[i] != '?'^0x40 {
			want -= piece
		}
		try(fmt.Sprint("partial wrong at ", i), journal, flipped, want)
		if i%16 == 3 {
			try(fmt.Sprint("partial cut at ", i), journal, partial[:i], -1)
		}
	}
	try("twice as long", append(bytes.Clone(journal), journal...), append(bytes.Clone(partial), partial...), 4*piece)
	try("of nothing", nil, partial, 0)
	try("of zeros", make([]byte, 4096), partial, 0)
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// durable is what would be left of a partial file and its journal by a power
// failure: what was synced.
type durable struct {
	mu      sync.Mutex
	dir     string
	partial []byte
	crashes []crash
	t       *testing.T
}

type crash struct{ partial, journal []byte }

// seam keeps what was synced, and at each record a picture of what a power failure
// would leave there and then.
func (d *durable) seam(s step, call func() error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s == stepSync || s == stepSyncDir || s == stepSyncFS {
		return nil
	}
	var before []byte
	if s == stepJournalSync {
		before, _ = os.ReadFile(filepath.Join(d.dir, partialName("f")))
	}
	err := call()
	if s == stepJournalSync {
		d.partial = before
	}
	journal, readErr := os.ReadFile(filepath.Join(d.dir, journalName("f")))
	if readErr == nil && s == stepJournalAppend {
		d.crashes = append(d.crashes, crash{bytes.Clone(d.partial), journal})
	}
	return err
}

// At no instant does the journal speak of bytes that a power failure could take.
func TestJournalIsBehind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	th := resumable()
	d := &durable{dir: dir, t: t}
	s := landBrisk(t, dir, archive(), d.seam)
	s.pace.bytes = 2 * piece
	l, err := s.Open(th.Entry, s.Add(t.Context(), th.Entry))
	if err != nil {
		t.Fatal(err)
	}
	for half := range 2 {
		var wg sync.WaitGroup
		for i := range 5 {
			wg.Go(func() {
				r := th.piece(5*half + i)
				b := []byte(th.text[r.Off:r.End()])
				if _, err := l.WriteAt(b, r.Off); err != nil {
					t.Error(err)
				}
				l.Landed(r, transport.Sum(b))
			})
		}
		wg.Wait()
		quiet(l)
	}
	closeStore(t, s)
	if len(d.crashes) < 3 {
		t.Errorf("%d records", len(d.crashes))
	}
	for i, c := range d.crashes {
		got, err := decode(bytes.NewReader(c.journal))
		if err != nil {
			t.Errorf("crash %d: %v", i, err)
			continue
		}
		for _, r := range got.ranges {
			sum, err := sumOf(bytes.NewReader(c.partial), r.Range)
			if err != nil || sum != r.digest {
				t.Errorf("crash %d: what is recorded at %d was not there, %v", i, r.Off, err)
			}
		}
		dir := t.TempDir()
		write(t, filepath.Join(dir, partialName("f")), string(c.partial))
		write(t, filepath.Join(dir, journalName("f")), string(c.journal))
		var have tree.Ranges
		for _, r := range got.ranges {
			have.Add(r.Range)
		}
		if v, _ := th.finish(t, dir, archive()); v.Resumed != have.Bytes() {
			t.Errorf("crash %d: %d resumed, want %d", i, v.Resumed, have.Bytes())
		}
	}
}

// Where the disk is slow, no more than twice of what makes a record due is without one:
// that is all that a crash costs.
func TestJournalKeepsUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		th := resumable()
		disk := make(chan struct{}) // what the disk takes
		s := landBrisk(t, t.TempDir(), archive(), func(s step, call func() error) error {
			if s == stepJournalSync {
				<-disk
			}
			return call()
		})
		s.pace.bytes = 2 * piece
		l, err := s.Open(th.Entry, s.Add(t.Context(), th.Entry))
		if err != nil {
			t.Fatal(err)
		}
		var landed atomic.Int64
		var wg sync.WaitGroup
		wg.Go(func() {
			for i := range 10 {
				r := th.piece(i)
				b := []byte(th.text[r.Off:r.End()])
				if _, err := l.WriteAt(b, r.Off); err != nil {
					t.Error(err)
				}
				l.Landed(r, transport.Sum(b))
				landed.Add(1)
			}
		})
		most := int64(0) // that have landed and are not on record
		for range 3 {
			synctest.Wait()
			j := l.(*landing).journal
			j.mu.Lock()
			most = max(most, landed.Load()-j.durable/piece)
			j.mu.Unlock()
			disk <- struct{}{}
		}
		if most != 5 { // what makes two records due, and the one that was found to be too much
			t.Errorf("%d pieces were without a record, want 5", most)
		}
		close(disk)
		wg.Wait()
		closeStore(t, s)
	})
}

// Planted journals are not followed, and not believed.
func TestPlantedJournal(t *testing.T) {
	t.Parallel()
	for _, what := range []string{"symbolic link", "hard link", "directory"} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			dir, outside := t.TempDir(), t.TempDir()
			th := resumable()
			th.interrupt(t, dir, 0, 1)
			victim, journal := filepath.Join(outside, "v"), filepath.Join(dir, journalName("f"))
			if err := os.Rename(journal, victim); err != nil {
				t.Fatal(err)
			}
			text := read(t, victim)
			var err error
			switch what {
			case "symbolic link":
				err = os.Symlink(victim, journal)
			case "hard link":
				err = os.Link(victim, journal)
			case "directory":
				err = os.MkdirAll(filepath.Join(journal, "full"), 0o755)
			}
			if err != nil {
				t.Fatal(err)
			}
			s := landBrisk(t, dir, archive(), hurried)
			defer closeStore(t, s)
			out := (&trees{things: []thing{*th}}).send(t.Context(), s)
			noFault(t, out)
			if v := out.verdicts["f"]; v.Resumed != 0 {
				t.Errorf("%+v", v)
			}
			wantText(t, filepath.Join(dir, "f"), th.text)
			wantText(t, victim, string(text))
		})
	}
}

// Cancelled while it reads what is there: the next run finds all of it.
func TestResumeCancelled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	th := resumable()
	th.interrupt(t, dir, 0, 1, 2, 3)
	s := landBrisk(t, dir, archive(), hurried)
	ctx, cancel := contextEnding(t, 2)
	defer cancel()
	v := s.Add(ctx, th.Entry)
	wantFault(t, v.Fault, fault.Interrupted)
	closeStore(t, s)
	if v, _ := th.finish(t, dir, archive()); v.Resumed != 4*piece {
		t.Errorf("%+v", v)
	}
}

// Long names: what is ours beside them fits, and is told apart.
func TestLongNames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var ts trees
	want := map[string]string{}
	for _, tail := range []string{"a", "b"} {
		name := strings.Repeat("n", 254) + tail
		text := strings.Repeat(tail, 200)
		ts.file(name, text)
		want[name] = text
		ts.dir(strings.Repeat("d", 254) + tail)
		want[strings.Repeat("d", 254)+tail+"/"] = ""
		link := strings.Repeat("l", 254) + tail
		ts.symlink(link, "x")
		want[link] = "-> x"
		write(t, filepath.Join(dir, link), oldText)
	}
	s := landBrisk(t, dir, archive(), nil)
	var ls []tree.Landing
	for _, th := range ts.things {
		v := s.Add(t.Context(), th.Entry)
		if v.Answer != tree.Want {
			continue
		}
		l, err := s.Open(th.Entry, v)
		if err != nil {
			t.Fatal(err)
		}
		th.land(t, l, 0, 1)
		ls = append(ls, l)
	}
	for _, l := range ls {
		if err := l.Close(false); err != nil {
			t.Error(err)
		}
	}
	closeStore(t, s)
	s = landBrisk(t, dir, archive(), nil)
	defer closeStore(t, s)
	out := ts.send(t.Context(), s)
	noFault(t, out)
	for name, v := range out.verdicts {
		if v.Answer == tree.Want && v.Resumed != 2*piece {
			t.Errorf("%s...%s: %+v", name[:1], name[254:], v)
		}
	}
	wantTree(t, dir, want)
}

// What came out of a pipe has the size that it turned out to have.
func TestStreamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var ts trees
	ts.file("f", long).Meta.Size = tree.Streamed
	ts.file("empty", "").Meta.Size = tree.Streamed
	write(t, filepath.Join(dir, "f"), long+long)
	noFault(t, ts.landAt(t, dir, tree.Into, archive()))
	wantTree(t, dir, map[string]string{"f": long, "empty": ""})
}

// What lacks a byte, or is not what the source says it is, never comes into place.
func TestIncomplete(t *testing.T) {
	t.Parallel()
	digest, err := wholeDigest(tree.BLAKE3, strings.NewReader(resumable().text), 160)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		seal *tree.Seal
		skip int // piece that does not land
		bend int // piece that lands wrong
		code fault.Code
		why  string
	}{
		{"right", &tree.Seal{Size: 160, Whole: digest}, -1, -1, fault.OK, ""},
		{"hole", &tree.Seal{Size: 160}, 4, -1, fault.Internal, "16 bytes of it have not landed, the first at 64"},
		{"not sealed", nil, -1, -1, fault.Internal, "not through"},
		{"shorter", &tree.Seal{Size: 159}, -1, -1, fault.SourceChanged, "from 160 to 159"},
		{"given up", &tree.Seal{Size: 160, Fault: changedFault("x", errors.New("y"))}, -1, -1, fault.SourceChanged, "y"},
		{"wrong", &tree.Seal{Size: 160, Whole: digest}, -1, 7, fault.Integrity, "blake3"},
		{"wrong digest", &tree.Seal{Size: 160, Whole: []byte("x")}, -1, -1, fault.Integrity, "at the source"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, filepath.Join(dir, "f"), oldText)
			th := resumable()
			o := archive()
			o.Digest = tree.BLAKE3
			s := landBrisk(t, dir, o, hurried)
			l, err := s.Open(th.Entry, s.Add(t.Context(), th.Entry))
			if err != nil {
				t.Fatal(err)
			}
			for i := range 10 {
				if i != tt.skip {
					th.land(t, l, i)
				}
			}
			if tt.bend >= 0 {
				if _, err := l.WriteAt([]byte("!"), th.piece(tt.bend).Off); err != nil {
					t.Error(err)
				}
			}
			if tt.seal != nil {
				l.Sealed(*tt.seal)
			}
			err = s.Commit(t.Context(), []tree.Landing{l})[0]
			closeStore(t, s)
			if tt.code == fault.OK {
				if err != nil {
					t.Error(err)
				}
				wantText(t, filepath.Join(dir, "f"), th.text)
				return
			}
			wantFault(t, err, tt.code, tt.why)
			wantText(t, filepath.Join(dir, "f"), oldText)
			_, statErr := os.Lstat(filepath.Join(dir, partialName("f")))
			if useless := tt.code != fault.Internal; errors.Is(statErr, fs.ErrNotExist) != useless {
				t.Errorf("the partial file: %v", statErr)
			}
			if v, _ := th.finish(t, dir, archive()); v.Restarted != "" {
				t.Errorf("%+v", v)
			}
		})
	}
}

// The disk gives back something else than what it was given.
func TestReadBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "f"), oldText)
	th := resumable()
	o := archive()
	o.ReadBack = true
	reads := 0
	s := landBrisk(t, dir, o, func(st step, call func() error) error {
		if st == stepReadBack {
			reads++
			if reads == 3 {
				f, err := os.OpenFile(filepath.Join(dir, partialName("f")), os.O_WRONLY, 0)
				if err != nil {
					return err
				}
				_, err = f.WriteAt([]byte("x"), 2*piece)
				return errors.Join(err, f.Close(), call())
			}
		}
		return hurried(st, call)
	})
	out := (&trees{things: []thing{*th}}).send(t.Context(), s)
	closeStore(t, s)
	wantFault(t, out.errs["f"], fault.Integrity, "the 16 bytes at 32 come back from the disk as others")
	wantTree(t, dir, map[string]string{"f": oldText})
	th.finish(t, dir, o)
}

// A journal is bytes that anybody may have written.
func FuzzDecode(f *testing.F) {
	source := encodeSource(identity{Size: 100})
	whole := append([]byte(journalMagic), source...)
	whole = append(whole, encodeWriter(us(), checkOf(source))...)
	whole = append(whole, encodeRange(sum{Range: tree.Range{Off: 10, Len: 20}}, checkOf(source))...)
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := decode(bytes.NewReader(b))
		if err != nil {
			return
		}
		if c.end > int64(len(b)) {
			t.Errorf("%d bytes of %d are whole", c.end, len(b))
		}
		for _, r := range c.ranges {
			if r.Off < 0 || r.Len <= 0 || r.End() > c.source.Size {
				t.Errorf("%+v of %d", r, c.source.Size)
			}
		}
	})
}
