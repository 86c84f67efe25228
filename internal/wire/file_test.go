package wire_test

import (
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rdmacp/rdmacp/internal/storage"
	"github.com/rdmacp/rdmacp/internal/wire"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

func parsePut(m *pb.Put) error {
	_, _, err := wire.ToPut(m)
	return err
}

func TestToPut(t *testing.T) {
	base := func(s string) func(m *pb.Put) { return func(m *pb.Put) { m.BaseName = []byte(s) } }
	meta := func(f func(m *pb.Metadata)) func(m *pb.Put) { return func(m *pb.Put) { f(m.GetMetadata()) } }
	try(t, validPut, parsePut, []change[*pb.Put]{
		{"no path", func(m *pb.Put) { m.Path = nil }, true}, // the export itself
		{"path max", func(m *pb.Put) { m.Path = []byte(strings.Repeat("x", wire.MaxPath)) }, true},
		{"path max+1", func(m *pb.Put) { m.Path = []byte(strings.Repeat("x", wire.MaxPath+1)) }, false},
		{"path with NUL", func(m *pb.Put) { m.Path = []byte("a\x00b") }, false},
		{"path is no UTF-8", func(m *pb.Put) { m.Path = []byte("\xff\xfe") }, true},
		{"export with NUL", func(m *pb.Put) { m.Export = "a\x00" }, false},
		{"export max", func(m *pb.Put) { m.Export = strings.Repeat("x", wire.MaxName) }, true},
		{"export max+1", func(m *pb.Put) { m.Export = strings.Repeat("x", wire.MaxName+1) }, false},
		{"neither export nor absolute", func(m *pb.Put) { m.Export = "" }, false},
		{"neither export nor path", func(m *pb.Put) { m.Export, m.Path = "", nil }, false},
		{"absolute", func(m *pb.Put) { m.Export, m.Path = "", []byte("/a") }, true},
		{"no base name", base(""), false},
		{"base name .", base("."), false},
		{"base name ..", base(".."), false},
		{"base name ...", base("..."), true},
		{"base name ../x", base("../x"), false},
		{"base name x/y", base("x/y"), false},
		{"base name /", base("/"), false},
		{"base name with NUL", base("x\x00"), false},
		{"base name max", base(strings.Repeat("x", wire.MaxName)), true},
		{"base name max+1", base(strings.Repeat("x", wire.MaxName+1)), false},
		{"no metadata", func(m *pb.Put) { m.Metadata = nil }, false},
		{"size 0", meta(func(m *pb.Metadata) { m.Size = 0 }), true},
		{"size max", meta(func(m *pb.Metadata) { m.Size = math.MaxInt64 - wire.MaxChunk }), true},
		{"size max+1", meta(func(m *pb.Metadata) { m.Size = math.MaxInt64 - wire.MaxChunk + 1 }), false},
		{"mode max", meta(func(m *pb.Metadata) { m.Mode = 0o777 }), true},
		{"mode setuid", meta(func(m *pb.Metadata) { m.Mode = 0o4755 }), false},
		{"mode of a directory", meta(func(m *pb.Metadata) { m.Mode = 1 << 31 }), false},
		{"nanoseconds max", meta(func(m *pb.Metadata) { m.MtimeNanos = 1e9 - 1 }), true},
		{"nanoseconds max+1", meta(func(m *pb.Metadata) { m.MtimeNanos = 1e9 }), false},
		{"before 1970", meta(func(m *pb.Metadata) { m.MtimeSeconds = -1 }), true},
		{"allocated beyond int64", meta(func(m *pb.Metadata) { m.Allocated = math.MaxUint64 }), true},
	})
}

func parseGet(m *pb.Get) error {
	_, err := wire.ToGet(m)
	return err
}

func TestToGet(t *testing.T) {
	valid := func() *pb.Get { return &pb.Get{Path: []byte("a"), Export: "data"} }
	try(t, valid, parseGet, []change[*pb.Get]{
		{"path max+1", func(m *pb.Get) { m.Path = []byte(strings.Repeat("x", wire.MaxPath+1)) }, false},
		{"path with NUL", func(m *pb.Get) { m.Path = []byte("\x00") }, false},
		{"export with NUL", func(m *pb.Get) { m.Export = "\x00" }, false},
		{"relative without export", func(m *pb.Get) { m.Export = "" }, false},
	})
}

func TestFileRoundTrip(t *testing.T) {
	want := wire.Target{Export: "data", Path: "a/\xff", BaseName: "b\xfe", WantDirectory: true}
	meta := storage.Meta{Size: 1 << 50, Mode: 0o604, ModTime: time.Unix(-5, 999_999_999), Allocated: 1 << 40}
	got, gotMeta, err := wire.ToPut(wire.FromPut(want, meta))
	if err != nil || got != want || !gotMeta.ModTime.Equal(meta.ModTime) {
		t.Errorf("Put: got %+v %+v, want %+v %+v: %v", got, gotMeta, want, meta, err)
	}
	gotMeta.ModTime = meta.ModTime
	if gotMeta != meta {
		t.Errorf("Metadata: got %+v, want %+v", gotMeta, meta)
	}
	from := wire.Target{Export: "data", Path: "a"}
	if got, err := wire.ToGet(wire.FromGet(from)); err != nil || got != from {
		t.Errorf("Get: got %+v, want %+v: %v", got, from, err)
	}
}

// An export's name that is no UTF-8 must not make a message that cannot be sent.
func TestExportIsUTF8(t *testing.T) {
	bad := wire.Target{Export: "a\xff", Path: "x", BaseName: "x"}
	if !utf8.ValidString(wire.FromPut(bad, storage.Meta{}).GetExport()) || !utf8.ValidString(wire.FromGet(bad).GetExport()) {
		t.Error("the export's name is not UTF-8")
	}
}
