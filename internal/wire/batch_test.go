package wire_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transfer"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
	"github.com/rdmacp/rdmacp/internal/wire"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

func parseBatch(m *pb.Batch) error {
	_, err := wire.ToBatch(m, "host")
	return err
}

// repeat makes a list of n of its first item.
func repeat[T any](list *[]T, n int) {
	for len(*list) < n {
		*list = append(*list, (*list)[0])
	}
}

// entry changes the file of a valid batch.
func entry(f func(e *pb.Entry)) func(m *pb.Batch) {
	return func(m *pb.Batch) { f(m.GetEntries()[0]) }
}

func TestToEntry(t *testing.T) {
	name := func(s string) func(m *pb.Batch) { return entry(func(e *pb.Entry) { e.Name = []byte(s) }) }
	kind := func(k pb.Kind) func(m *pb.Batch) { return entry(func(e *pb.Entry) { e.Kind = k }) }
	ids := func(id, parent uint64) func(m *pb.Batch) {
		return entry(func(e *pb.Entry) { e.Id, e.Parent = id, parent })
	}
	link := func(k pb.Kind, to string) func(m *pb.Batch) {
		return entry(func(e *pb.Entry) { e.Kind, e.Link = k, []byte(to) })
	}
	first := func(k pb.Kind, id uint64) func(m *pb.Batch) {
		return entry(func(e *pb.Entry) { e.Kind, e.First = k, id })
	}
	try(t, validBatch, parseBatch, []change[*pb.Batch]{
		{"nothing at all", func(m *pb.Batch) { m.Reset() }, true},
		{"nil entry", func(m *pb.Batch) { m.Entries[0] = nil }, false},
		{"max+1", func(m *pb.Batch) { repeat(&m.Entries, wire.MaxItems+1) }, false},
		{"ID 0", ids(0, 0), false},
		{"ID 2^63", ids(1<<63, 0), false},
		{"ID max", ids(math.MaxInt64, math.MaxInt64-1), true},
		{"its own parent", ids(7, 7), false},
		{"parent behind it", ids(7, 8), false},
		{"parent 2^63", ids(7, 1<<63), false},
		{"no name", name(""), false},
		{"name .", name("."), false},
		{"name ..", name(".."), false},
		{"name ...", name("..."), true},
		{"name x/y", name("x/y"), false},
		{"name /", name("/"), false},
		{"name with NUL", name("x\x00"), false},
		{"name is no UTF-8", name("\xff"), true},
		{"name max", name(strings.Repeat("x", wire.MaxName)), true},
		{"name max+1", name(strings.Repeat("x", wire.MaxName+1)), false},
		{"top without a name", entry(func(e *pb.Entry) { e.Parent, e.Name, e.Kind = 0, nil, pb.Kind_KIND_DIR }), true},
		{"directory without a name", entry(func(e *pb.Entry) { e.Name, e.Kind = nil, pb.Kind_KIND_DIR }), false},
		{"top file without a name", entry(func(e *pb.Entry) { e.Parent, e.Name = 0, nil }), false},
		{"kind 0", kind(0), false},
		{"kind directory", kind(pb.Kind_KIND_DIR), true},
		{"kind max+1", kind(9), false},
		{"kind 257", kind(257), false},
		{"kind -1", kind(-1), false},
		{"link", link(pb.Kind_KIND_SYMLINK, "../\xff"), true},
		{"link to nothing", link(pb.Kind_KIND_SYMLINK, ""), false},
		{"link with NUL", link(pb.Kind_KIND_SYMLINK, "a\x00"), false},
		{"link max", link(pb.Kind_KIND_SYMLINK, strings.Repeat("x", wire.MaxPath)), true},
		{"link max+1", link(pb.Kind_KIND_SYMLINK, strings.Repeat("x", wire.MaxPath+1)), false},
		{"link of a file", link(pb.Kind_KIND_FILE, "x"), false},
		{"hard link", first(pb.Kind_KIND_HARDLINK, 6), true},
		{"hard link to nothing", first(pb.Kind_KIND_HARDLINK, 0), false},
		{"hard link to itself", first(pb.Kind_KIND_HARDLINK, 7), false},
		{"hard link to 2^63", first(pb.Kind_KIND_HARDLINK, 1<<63), false},
		{"first of a file", first(pb.Kind_KIND_FILE, 6), false},
		{"device", entry(func(e *pb.Entry) { e.Kind, e.Major, e.Minor = pb.Kind_KIND_BLOCK_DEVICE, 8, 1 }), true},
		{"device number of a file", entry(func(e *pb.Entry) { e.Minor = 1 }), false},
	})
}

func TestToMeta(t *testing.T) {
	owner := func(user, group string) func(m *pb.Batch) {
		return entry(func(e *pb.Entry) { e.Owner = &pb.Owner{User: []byte(user), Group: []byte(group)} })
	}
	xattrs := func(n, size int) func(m *pb.Batch) {
		return entry(func(e *pb.Entry) {
			for range n {
				e.Xattrs = append(e.Xattrs, &pb.Xattr{Name: []byte("user.x"), Value: make([]byte, size)})
			}
		})
	}
	xattr := func(name string) func(m *pb.Batch) {
		return entry(func(e *pb.Entry) { e.Xattrs = []*pb.Xattr{{Name: []byte(name)}} })
	}
	try(t, validBatch, parseBatch, []change[*pb.Batch]{
		{"size 0", entry(func(e *pb.Entry) { e.Size = 0 }), true},
		{"size max", entry(func(e *pb.Entry) { e.Size = wire.MaxSize }), true},
		{"size max+1", entry(func(e *pb.Entry) { e.Size = wire.MaxSize + 1 }), false},
		{"size 2^64-1", entry(func(e *pb.Entry) { e.Size = math.MaxUint64 }), false},
		{"streamed", entry(func(e *pb.Entry) { e.Size, e.Streamed = 0, true }), true},
		{"streamed with size", entry(func(e *pb.Entry) { e.Streamed = true }), false},
		{"streamed directory", entry(func(e *pb.Entry) { e.Size, e.Streamed, e.Kind = 0, true, pb.Kind_KIND_DIR }), false},
		{"mode max", entry(func(e *pb.Entry) { e.Mode = 0o7777 }), true},
		{"mode max+1", entry(func(e *pb.Entry) { e.Mode = 0o10000 }), false},
		{"mode of a directory", entry(func(e *pb.Entry) { e.Mode = 1 << 31 }), false},
		{"nanoseconds max", entry(func(e *pb.Entry) { e.MtimeNanos = 1e9 - 1 }), true},
		{"nanoseconds max+1", entry(func(e *pb.Entry) { e.MtimeNanos = 1e9 }), false},
		{"no time", entry(func(e *pb.Entry) { e.MtimeSeconds, e.MtimeNanos = nil, 0 }), true},
		{"nanoseconds of no time", entry(func(e *pb.Entry) { e.MtimeSeconds = nil }), false},
		{"before 1970", entry(func(e *pb.Entry) { e.MtimeSeconds = proto.Int64(-1) }), true},
		{"time min", entry(func(e *pb.Entry) { e.MtimeSeconds = proto.Int64(math.MinInt64) }), true},
		{"allocated beyond int64", entry(func(e *pb.Entry) { e.Allocated = math.MaxUint64 }), true},
		{"owner", owner("me", "us"), true},
		{"user max+1", owner(strings.Repeat("x", wire.MaxName+1), ""), false},
		{"group max+1", owner("", strings.Repeat("x", wire.MaxName+1)), false},
		{"user with NUL", owner("\x00", ""), false},
		{"group with NUL", owner("", "\x00"), false},
		{"attribute max", xattrs(1, wire.MaxXattr), true},
		{"attribute max+1", xattrs(1, wire.MaxXattr+1), false},
		{"attributes max", xattrs(8, wire.MaxXattr/8), true},
		{"attributes max+1", xattrs(9, wire.MaxXattr/8), false},
		{"attribute without name", xattr(""), false},
		{"attribute with NUL", xattr("\x00"), false},
		{"attribute name max", xattr(strings.Repeat("x", wire.MaxName)), true},
		{"attribute name max+1", xattr(strings.Repeat("x", wire.MaxName+1)), false},
		{"nil attribute", entry(func(e *pb.Entry) { e.Xattrs = []*pb.Xattr{nil} }), false},
	})
}

func TestToRanges(t *testing.T) {
	data := func(rs ...*pb.Range) func(m *pb.Batch) {
		return entry(func(e *pb.Entry) { e.Data = &pb.Ranges{Ranges: rs} })
	}
	wanted := func(rs ...*pb.Range) func(m *pb.Batch) {
		return func(m *pb.Batch) { m.Verdicts[0].Ranges = rs }
	}
	var many []*pb.Range
	for i := range uint64(wire.MaxRanges + 1) {
		many = append(many, &pb.Range{Offset: 2 * i, Length: 1})
	}
	try(t, validBatch, parseBatch, []change[*pb.Batch]{
		{"only holes", data(), true},
		{"all", data(&pb.Range{Length: 1 << 20}), true},
		{"beyond the end", data(&pb.Range{Offset: 1, Length: 1 << 20}), false},
		{"behind the end", data(&pb.Range{Offset: 1<<20 + 1, Length: 1}), false},
		{"empty", data(&pb.Range{Offset: 1}), false},
		{"nil", data(nil), false},
		{"touching", data(&pb.Range{Length: 5}, &pb.Range{Offset: 5, Length: 1}), true},
		{"overlapping", data(&pb.Range{Length: 5}, &pb.Range{Offset: 4, Length: 1}), false},
		{"descending", data(&pb.Range{Offset: 5, Length: 5}, &pb.Range{Length: 1}), false},
		{"offset 2^63", data(&pb.Range{Offset: 1 << 63, Length: 1}), false},
		{"length 2^64-1", data(&pb.Range{Offset: 2, Length: math.MaxUint64}), false},
		{"many", data(many[:wire.MaxRanges]...), true},
		{"too many", data(many...), false},
		{"of a directory", entry(func(e *pb.Entry) { e.Kind, e.Data = pb.Kind_KIND_DIR, &pb.Ranges{} }), false},
		{"of a stream", entry(func(e *pb.Entry) { e.Size, e.Streamed, e.Data = 0, true, &pb.Ranges{} }), false},
		{"wanted nothing", wanted(), true},
		{"wanted up to the end", wanted(&pb.Range{Length: wire.MaxSize}), true},
		{"wanted beyond the end", wanted(&pb.Range{Length: wire.MaxSize + 1}), false},
		{"wanted overflowing", wanted(&pb.Range{Offset: math.MaxUint64, Length: 2}), false},
		{"wanted overlapping", wanted(&pb.Range{Length: 5}, &pb.Range{Offset: 4, Length: 1}), false},
		{"wanted many", wanted(many[:wire.MaxRanges]...), true},
		{"wanted too many", wanted(many...), false},
	})
}

func TestToVerdict(t *testing.T) {
	some := wire.FromFault(fullFault(fault.IO))
	verdict := func(f func(v *pb.Verdict)) func(m *pb.Batch) {
		return func(m *pb.Batch) { f(m.GetVerdicts()[0]) }
	}
	plain := func(a pb.Answer) func(m *pb.Batch) {
		return func(m *pb.Batch) { m.Verdicts[0] = &pb.Verdict{Id: 1, Answer: a} }
	}
	seal := func(s *pb.Seal) func(m *pb.Batch) { return func(m *pb.Batch) { m.Seals[0] = s } }
	try(t, validBatch, parseBatch, []change[*pb.Batch]{
		{"nil verdict", func(m *pb.Batch) { m.Verdicts[0] = nil }, false},
		{"verdicts max+1", func(m *pb.Batch) { repeat(&m.Verdicts, wire.MaxItems+1) }, false},
		{"ID 0", verdict(func(v *pb.Verdict) { v.Id = 0 }), false},
		{"ID 2^63", verdict(func(v *pb.Verdict) { v.Id = 1 << 63 }), false},
		{"answer 0", plain(0), false},
		{"answer done", plain(pb.Answer_ANSWER_DONE), true},
		{"answer skip", plain(pb.Answer_ANSWER_SKIP), true},
		{"answer fail without fault", plain(pb.Answer_ANSWER_FAIL), false},
		{"answer 5", plain(5), false},
		{"answer 257", plain(257), false},
		{"fail", func(m *pb.Batch) {
			m.Verdicts[0] = &pb.Verdict{Id: 1, Answer: pb.Answer_ANSWER_FAIL, Fault: some}
		}, true},
		{"wanted with fault", verdict(func(v *pb.Verdict) { v.Fault = some }), false},
		{"done with ranges", verdict(func(v *pb.Verdict) { v.Answer, v.Compare, v.Resumed = 2, false, 0 }), false},
		{"changes", verdict(func(v *pb.Verdict) { v.Change = 1<<10 - 1 }), true},
		{"unknown changes", verdict(func(v *pb.Verdict) { v.Change = 1 << 10 }), false},
		{"resumed beyond", verdict(func(v *pb.Verdict) { v.Resumed = wire.MaxSize + 1 }), false},
		{"restarted", verdict(func(v *pb.Verdict) { v.Restarted = "it is old" }), true},

		{"nil seal", seal(nil), false},
		{"seals max+1", func(m *pb.Batch) { repeat(&m.Seals, wire.MaxItems+1) }, false},
		{"seal of 2^63", seal(&pb.Seal{Id: 1 << 63}), false},
		{"seal size max+1", seal(&pb.Seal{Id: 1, Size: wire.MaxSize + 1}), false},
		{"seal without digest", seal(&pb.Seal{Id: 1, Size: 1}), true},
		{"seal digest of 31", seal(&pb.Seal{Id: 1, Whole: make([]byte, 31)}), false},
		{"seal digest of 64", seal(&pb.Seal{Id: 1, Whole: make([]byte, 64)}), false},
		{"seal with fault", seal(&pb.Seal{Id: 1, Fault: some}), true},
		{"seal with fault and size", seal(&pb.Seal{Id: 1, Fault: some, Size: 1}), false},

		{"nil outcome", func(m *pb.Batch) { m.Outcomes[0] = nil }, false},
		{"outcome 2^63", func(m *pb.Batch) { m.Outcomes[0].Id = 1 << 63 }, false},
		{"outcome without fault", func(m *pb.Batch) { m.Outcomes[0].Fault = nil }, true},
		{"outcomes max", func(m *pb.Batch) { repeat(&m.Outcomes, wire.MaxItems) }, true},
		{"outcomes max+1", func(m *pb.Batch) { repeat(&m.Outcomes, wire.MaxItems+1) }, false},

		{"nil problem", func(m *pb.Batch) { m.Problems[0] = nil }, false},
		{"problem without fault", func(m *pb.Batch) { m.Problems[0].Fault = nil }, false},
		{"problem with NUL", func(m *pb.Batch) { m.Problems[0].Path = []byte{0} }, false},
		{"problem's path max", func(m *pb.Batch) { m.Problems[0].Path = make1(wire.MaxPaths) }, true},
		{"problem's path max+1", func(m *pb.Batch) { m.Problems[0].Path = make1(wire.MaxPaths + 1) }, false},
		{"problems' paths max+1", func(m *pb.Batch) { m.Problems[0].Path = make1(33 << 10); repeat(&m.Problems, 2) }, false},
		{"removed with NUL", func(m *pb.Batch) { m.Removed[0] = []byte{0} }, false},
		{"removed paths max+1", func(m *pb.Batch) { m.Removed[0] = make1(33 << 10); repeat(&m.Removed, 2) }, false},
		{"removed max+1", func(m *pb.Batch) { m.Removed = make([][]byte, wire.MaxItems+1) }, false},
	})
}

// make1 is n bytes that are no NUL.
func make1(n int) []byte { return bytes.Repeat([]byte{'x'}, n) }

func TestToOffer(t *testing.T) {
	offer := func(f func(o *pb.Offer)) func(m *pb.Batch) {
		return func(m *pb.Batch) { f(m.GetOffers()[0]) }
	}
	segment := func(f func(s *pb.Segment)) func(m *pb.Batch) {
		return offer(func(o *pb.Offer) { f(o.GetSegments()[0]) })
	}
	settled := func(f func(s *pb.Settlement)) func(m *pb.Batch) {
		return func(m *pb.Batch) { f(m.GetSettled()[0]) }
	}
	kept := func(is ...uint32) func(m *pb.Batch) { return settled(func(s *pb.Settlement) { s.Kept = is }) }
	try(t, validBatch, parseBatch, []change[*pb.Batch]{
		{"nil offer", func(m *pb.Batch) { m.Offers[0] = nil }, false},
		{"max", func(m *pb.Batch) { repeat(&m.Offers, wire.MaxOffers) }, true},
		{"max+1", func(m *pb.Batch) { repeat(&m.Offers, wire.MaxOffers+1) }, false},
		{"ID 0", offer(func(o *pb.Offer) { o.Id = 0 }), false},
		{"ID max", offer(func(o *pb.Offer) { o.Id = math.MaxInt64 }), true},
		{"ID max+1", offer(func(o *pb.Offer) { o.Id = math.MaxInt64 + 1 }), false},
		{"no ticket", offer(func(o *pb.Offer) { o.Ticket = nil }), true},
		{"length 0", offer(func(o *pb.Offer) { o.Ticket.Length = 0 }), false},
		{"length max", offer(func(o *pb.Offer) { o.Ticket.Length = wire.MaxChunk }), true},
		{"length max+1", offer(func(o *pb.Offer) { o.Ticket.Length = wire.MaxChunk + 1 }), false},
		{"no digest", offer(func(o *pb.Offer) { o.Digest = nil }), true},
		{"digest of 15", offer(func(o *pb.Offer) { o.Digest = make([]byte, 15) }), false},
		{"digest of 17", offer(func(o *pb.Offer) { o.Digest = make([]byte, 17) }), false},
		{"only the last is bad", func(m *pb.Batch) { m.Offers = append(m.Offers, &pb.Offer{}) }, false},
		{"no segments", offer(func(o *pb.Offer) { o.Segments = nil }), false},
		{"nil segment", offer(func(o *pb.Offer) { o.Segments[0] = nil }), false},
		{"segments max", offer(func(o *pb.Offer) { repeat(&o.Segments, wire.MaxSegments) }), true},
		{"segments max+1", offer(func(o *pb.Offer) { repeat(&o.Segments, wire.MaxSegments+1) }), false},
		{"segment of nothing", segment(func(s *pb.Segment) { s.Id = 0 }), true},
		{"segment of 2^63", segment(func(s *pb.Segment) { s.Id = 1 << 63 }), false},
		{"segment length 0", segment(func(s *pb.Segment) { s.Length = 0 }), false},
		{"segment length max", segment(func(s *pb.Segment) { s.Length = wire.MaxChunk }), true},
		{"segment length max+1", segment(func(s *pb.Segment) { s.Length = wire.MaxChunk + 1 }), false},
		{"two of more than a bundle", offer(func(o *pb.Offer) { o.Segments[0].Length = wire.MaxChunk; repeat(&o.Segments, 2) }), false},
		{"segment offset max", segment(func(s *pb.Segment) { s.Offset = wire.MaxSize }), true},
		{"segment offset max+1", segment(func(s *pb.Segment) { s.Offset = wire.MaxSize + 1 }), false},
		{"segment digest of 15", segment(func(s *pb.Segment) { s.Digest = make([]byte, 15) }), false},

		{"nil settlement", func(m *pb.Batch) { m.Settled[0] = nil }, false},
		{"settlements max+1", func(m *pb.Batch) { repeat(&m.Settled, wire.MaxItems+1) }, false},
		{"settlement 2^63", settled(func(s *pb.Settlement) { s.Id = 1 << 63 }), false},
		{"settlement without digest", settled(func(s *pb.Settlement) { s.Digest = nil }), true},
		{"settlement digest of 17", settled(func(s *pb.Settlement) { s.Digest = make([]byte, 17) }), false},
		{"kept", kept(0, 5, wire.MaxSegments-1), true},
		{"kept twice", kept(5, 5), false},
		{"kept backwards", kept(5, 4), false},
		{"kept max+1", kept(wire.MaxSegments), false},
		{"kept 2^32-1", kept(math.MaxUint32), false},
	})
}

// everything is a batch with every field in it.
func everything() transfer.Batch {
	stale := fullFault(fault.SourceChanged)
	stale.Host = "host"
	digest := transport.Sum([]byte("x"))
	return transfer.Batch{
		Entries: []tree.Entry{
			{ID: 1, Kind: tree.Dir, Meta: tree.Meta{Mode: fs.ModeSticky | 0o777, ModTime: time.Unix(0, 0)}},
			{ID: 2, Parent: 1, Name: "a\xff", Kind: tree.File, Data: []tree.Range{{Off: 0, Len: 5}, {Off: 10, Len: 6}}, Meta: tree.Meta{
				Size: 1 << 50, Mode: fs.ModeSetuid | fs.ModeSetgid | 0o604, ModTime: time.Unix(-5, 999_999_999), Allocated: 1 << 40,
				Device: math.MaxUint64, Inode: 7, Changed: math.MinInt64, Owner: &tree.Owner{UID: 1, GID: math.MaxUint32, User: "\xfe", Group: "g"},
				Xattrs: []tree.Xattr{{Name: "user.a", Value: []byte{0, 1}}},
			}},
			{ID: 3, Parent: 1, Name: "b", Kind: tree.File, Data: []tree.Range{}, Meta: tree.Meta{Size: 9, Owner: &tree.Owner{}}},
			{ID: 4, Parent: 1, Name: "c", Kind: tree.Symlink, Link: "/\xff"},
			{ID: 5, Parent: 1, Name: "d", Kind: tree.Hardlink, First: 2},
			{ID: 6, Parent: 1, Name: "e", Kind: tree.CharDevice, Meta: tree.Meta{Major: 1, Minor: math.MaxUint32}},
			{ID: 7, Name: "f", Kind: tree.File, Meta: tree.Meta{Size: tree.Streamed}},
		},
		Last:     true,
		Problems: []tree.Problem{{Path: "x\xff", Fault: stale}},
		Removed:  []string{"y\xff", ""},
		Verdicts: []tree.Verdict{
			{ID: 2, Answer: tree.Want, Change: tree.New | tree.Attrs, Ranges: []tree.Range{{Off: 0, Len: 5}, {Off: 10, Len: 6}}, Compare: true, Resumed: 3, Restarted: "no"},
			{ID: 3, Answer: tree.Done},
			{ID: 4, Answer: tree.Skip},
			{ID: 5, Answer: tree.Fail, Fault: stale},
		},
		Seals: []tree.Seal{{ID: 2, Size: 1 << 50, Whole: bytes.Repeat([]byte{1}, 32)}, {ID: 3, Fault: stale}},
		Offers: []transfer.Offer{
			{
				ID: 1, Digest: digest, Ticket: transport.Ticket{Addr: math.MaxUint64, RKey: math.MaxUint32, Len: 12, Slot: 0x1234, Gen: 0xfedc},
				Segments: []transfer.Segment{{ID: 2, Range: tree.Range{Off: 1 << 49, Len: 7}}, {Range: tree.Range{Len: 5}}},
			},
			{ID: 2, Segments: []transfer.Segment{
				{ID: 2, Range: tree.Range{Len: 7}, Compare: true, Digest: digest}, {ID: 3, Range: tree.Range{Len: 7}, Compare: true},
			}},
		},
		Settled:  []transfer.Settlement{{ID: 1, Digest: digest, Again: true}, {ID: 2, Kept: []int{0, 1}}, {ID: 3, Unwanted: true}},
		Outcomes: []transfer.Outcome{{ID: 2}, {ID: 3, Fault: stale}},
		Done:     true,
	}
}

func TestBatchRoundTrip(t *testing.T) {
	raw, err := proto.Marshal(wire.FromBatch(everything()))
	if err != nil {
		t.Fatal(err)
	}
	m := &pb.Batch{}
	if err := proto.Unmarshal(raw, m); err != nil {
		t.Fatal(err)
	}
	got, err := wire.ToBatch(m, "host")
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, everything())
}

// words are those of an error, wherever it happened: that depends on who reads it.
func words(err error) string {
	f, ok := fault.As(err)
	if !ok {
		return fmt.Sprint(err)
	}
	here := *f
	here.Host = ""
	return here.Error()
}

// same checks that two batches say the same, the faults in them too.
func same(t *testing.T, got, want transfer.Batch) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b error) bool { return words(a) == words(b) && fault.CodeOf(a) == fault.CodeOf(b) })); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
}

// A time that is not known, and one second before and after 1970, are three
// different things.
func TestTimes(t *testing.T) {
	for _, want := range []time.Time{{}, time.Unix(0, 0), time.Unix(0, 1), time.Unix(-1, 999_999_999), time.Unix(1<<40, 0)} {
		e := tree.Entry{ID: 1, Name: "x", Kind: tree.File, Meta: tree.Meta{ModTime: want}}
		b, err := wire.ToBatch(wire.FromBatch(transfer.Batch{Entries: []tree.Entry{e}}), "")
		if err != nil || !b.Entries[0].Meta.ModTime.Equal(want) || b.Entries[0].Meta.ModTime.IsZero() != want.IsZero() {
			t.Errorf("%v becomes %v: %v", want, b.Entries, err)
		}
	}
}

// More ranges than a message holds become fewer that hold as much and more.
func TestManyHoles(t *testing.T) {
	e := tree.Entry{ID: 1, Name: "x", Kind: tree.File, Meta: tree.Meta{Size: 1 << 30}}
	for i := range int64(5000) {
		e.Data = append(e.Data, tree.Range{Off: 10 * i, Len: 1})
	}
	b, err := wire.ToBatch(wire.FromBatch(transfer.Batch{Entries: []tree.Entry{e}}), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range e.Data {
		if !tree.RangesOf(b.Entries[0].Data).Has(r) {
			t.Fatalf("%v is lost", r)
		}
	}
}

// An entry of a small file takes little.
func TestEntryIsSmall(t *testing.T) {
	e := tree.Entry{ID: 10_000, Parent: 9_000, Name: "0123456789", Kind: tree.File, Meta: tree.Meta{
		Size: 4096, Mode: 0o644, ModTime: time.Unix(1_700_000_000, 999_999_999), Allocated: 4096, Device: 0xfd01, Inode: 1 << 34,
		Owner: &tree.Owner{UID: 100_000, GID: 100_000},
	}}
	m := wire.FromBatch(transfer.Batch{Entries: []tree.Entry{e}})
	if n := proto.Size(m) - len(e.Name); n >= 64 {
		t.Errorf("it takes %d bytes besides its name", n)
	}
	e.Meta.Owner = nil
	m = wire.FromBatch(transfer.Batch{Entries: []tree.Entry{e}})
	if n := proto.Size(m) - len(e.Name); n >= 60 {
		t.Errorf("it takes %d bytes besides its name, and no owner", n)
	}
}

// What a batch may hold at most of one item fits into the longest message.
func TestMaxMessage(t *testing.T) {
	long := strings.Repeat("\xff", 3*wire.MaxText)
	f := fault.New(fault.IO, long, errors.New(long), long)
	e := tree.Entry{ID: math.MaxInt64, Parent: math.MaxInt64 - 1, Name: strings.Repeat("x", wire.MaxName), Kind: tree.File}
	e.Meta.Xattrs = []tree.Xattr{{Name: strings.Repeat("x", wire.MaxName), Value: make([]byte, wire.MaxXattr)}}
	v := tree.Verdict{ID: math.MaxInt64, Answer: tree.Want}
	for i := range int64(wire.MaxRanges) {
		e.Data = append(e.Data, tree.Range{Off: 1<<60 + 4*i, Len: 2})
	}
	e.Meta.Size, v.Ranges = 1<<61, e.Data
	o := transfer.Offer{ID: math.MaxInt64, Ticket: transport.Ticket{Len: 1}}
	s := transfer.Settlement{ID: math.MaxInt64}
	for i := range wire.MaxSegments {
		o.Segments = append(o.Segments, transfer.Segment{ID: math.MaxInt64, Range: tree.Range{Off: 1 << 60, Len: 1 << 20}, Compare: true})
		s.Kept = append(s.Kept, i)
	}
	for name, b := range map[string]transfer.Batch{
		"entry":      {Entries: []tree.Entry{e}},
		"verdict":    {Verdicts: []tree.Verdict{v}},
		"offer":      {Offers: []transfer.Offer{o}},
		"settlement": {Settled: []transfer.Settlement{s}},
		"problem":    {Problems: []tree.Problem{{Path: strings.Repeat("x", 2*wire.MaxPaths), Fault: f}}},
	} {
		m := wire.FromBatch(b)
		if n := proto.Size(m); n > wire.MaxMessage-16 {
			t.Errorf("one %s takes %d bytes, and a message has at most %d", name, n, wire.MaxMessage)
		}
	}
}

func TestCountersRoundTrip(t *testing.T) {
	before := transport.Stats{
		Bytes: 1, Chunks: 1, CopiedBytes: 1, PagedBytes: 1, DirectBytes: 1, Windows: 1, Hits: 1, Calls: 1,
		WorkReqs: 1, Completions: 1, Wakeups: 1, Source: 1, Map: 1, Wire: 1, Sink: 1, Digest: 1,
	}
	now := transport.Stats{
		Bytes: 2, Chunks: 3, CopiedBytes: 4, PagedBytes: 5, DirectBytes: 6, Windows: 7, Hits: 8, Calls: 9, WhyCopied: "it is\nso",
		WorkReqs: 10, Completions: 11, Wakeups: 12, Source: 13, Map: 14, Wire: 15, Sink: 16, Digest: 17,
	}
	want := transport.Stats{
		Bytes: 1, Chunks: 2, CopiedBytes: 3, PagedBytes: 4, DirectBytes: 5, Windows: 6, Hits: 7, Calls: 8, WhyCopied: "it is so",
		WorkReqs: 9, Completions: 10, Wakeups: 11, Source: 12, Map: 13, Wire: 14, Sink: 15, Digest: 16,
	}
	began := wire.NewLook(before)
	c := wire.NewLook(now).Since(began, 16)
	got := wire.ToCounters(wire.FromCounters(c))
	if got.Stats != want || got.Slots != 16 || got.CPU != c.CPU || got.Hertz != c.Hertz {
		t.Errorf("got %+v, want %+v and %+v", got, want, c)
	}
}
