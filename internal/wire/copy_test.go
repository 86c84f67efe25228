package wire_test

import (
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
	"github.com/rdmacp/rdmacp/internal/wire"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

func parseFor(d transport.Direction) func(m *pb.Copy) error {
	return func(m *pb.Copy) error {
		_, err := wire.ToCopy(m, d)
		return err
	}
}

func TestToCopyPut(t *testing.T) {
	target := func(f func(m *pb.Target)) func(m *pb.Copy) { return func(m *pb.Copy) { f(m.GetTargets()[0]) } }
	try(t, validPut, parseFor(transport.Put), []change[*pb.Copy]{
		{"no target", func(m *pb.Copy) { m.Targets = nil }, false},
		{"nil target", func(m *pb.Copy) { m.Targets[0] = nil }, false},
		{"two targets", func(m *pb.Copy) { m.Targets = append(m.Targets, m.GetTargets()[0]) }, false},
		{"no path", target(func(m *pb.Target) { m.Path = nil }), true}, // the export itself
		{"path max", target(func(m *pb.Target) { m.Path = []byte(strings.Repeat("x", wire.MaxPath)) }), true},
		{"path max+1", target(func(m *pb.Target) { m.Path = []byte(strings.Repeat("x", wire.MaxPath+1)) }), false},
		{"path with NUL", target(func(m *pb.Target) { m.Path = []byte("a\x00b") }), false},
		{"path is no UTF-8", target(func(m *pb.Target) { m.Path = []byte("\xff\xfe") }), true},
		{"export with NUL", target(func(m *pb.Target) { m.Export = "a\x00" }), false},
		{"export max", target(func(m *pb.Target) { m.Export = strings.Repeat("x", wire.MaxName) }), true},
		{"export max+1", target(func(m *pb.Target) { m.Export = strings.Repeat("x", wire.MaxName+1) }), false},
		{"neither export nor absolute", target(func(m *pb.Target) { m.Export = "" }), false},
		{"neither export nor path", target(func(m *pb.Target) { m.Export, m.Path = "", nil }), false},
		{"absolute", target(func(m *pb.Target) { m.Export, m.Path = "", []byte("/a") }), true},
		{"naming 0", func(m *pb.Copy) { m.Naming = 0 }, false},
		{"naming contents", func(m *pb.Copy) { m.Naming = 3 }, true},
		{"naming 4", func(m *pb.Copy) { m.Naming = 4 }, false},
		{"naming 257", func(m *pb.Copy) { m.Naming = 257 }, false},
		{"naming -1", func(m *pb.Copy) { m.Naming = -1 }, false},
		{"digest max", func(m *pb.Copy) { m.Digest = 2 }, true},
		{"digest max+1", func(m *pb.Copy) { m.Digest = 3 }, false},
		{"digest 256", func(m *pb.Copy) { m.Digest = 256 }, false},
		{"remove", func(m *pb.Copy) { m.RemoveSources = true }, false},
		{"no options", func(m *pb.Copy) { m.Land = nil }, false},
		{"get's options", func(m *pb.Copy) { m.Walk = &pb.WalkOptions{} }, false},
		{"get", func(m *pb.Copy) { m.Land, m.Walk = nil, &pb.WalkOptions{} }, false},
	})
}

func TestToCopyGet(t *testing.T) {
	targets := func(n int) func(m *pb.Copy) {
		return func(m *pb.Copy) {
			for len(m.GetTargets()) < n {
				m.Targets = append(m.Targets, m.GetTargets()[0])
			}
		}
	}
	rule := func(p string) func(m *pb.Copy) {
		return func(m *pb.Copy) { m.Walk.Filter = append(m.Walk.Filter, &pb.Rule{Pattern: []byte(p)}) }
	}
	file := func(p string, n int) func(m *pb.Copy) {
		return func(m *pb.Copy) {
			m.Walk.Files = &pb.Files{}
			for range n {
				m.Walk.Files.Paths = append(m.Walk.Files.Paths, []byte(p))
			}
		}
	}
	try(t, validGet, parseFor(transport.Get), []change[*pb.Copy]{
		{"no target", func(m *pb.Copy) { m.Targets = nil }, false},
		{"targets max", targets(wire.MaxTargets), true},
		{"targets max+1", targets(wire.MaxTargets + 1), false},
		{"the last is bad", func(m *pb.Copy) { m.Targets = append(m.Targets, &pb.Target{}) }, false},
		{"remove", func(m *pb.Copy) { m.RemoveSources = true }, true},
		{"naming 0", func(m *pb.Copy) { m.Naming = 0 }, true},
		{"no options", func(m *pb.Copy) { m.Walk = nil }, false},
		{"pattern", rule("*.o"), true},
		{"no pattern", rule(""), false},
		{"nil rule", func(m *pb.Copy) { m.Walk.Filter = append(m.Walk.Filter, nil) }, false},
		{"pattern with NUL", rule("a\x00"), false},
		{"pattern max+1", rule(strings.Repeat("x", wire.MaxPath+1)), false},
		{"no files", file("", 0), true},
		{"files", file("a/b", 1000), true},
		{"file with NUL", file("a\x00", 1), false},
		{"file without name", file("", 1), false},
		{"file max+1", file(strings.Repeat("x", wire.MaxPath+1), 1), false},
		{"files of 90 KiB", file(strings.Repeat("x", 1020), 90), true},
		{"files of 110 KiB", file(strings.Repeat("x", 1020), 110), false},
	})
}

func TestCopyRoundTrip(t *testing.T) {
	put := wire.Copy{
		Targets: []wire.Target{{Export: "data", Path: "a/\xff/"}}, Naming: tree.Contents, Several: true,
		Digest: tree.SHA256, ReadBack: true, Verify: true,
	}
	fill(reflect.ValueOf(&put.Land).Elem())
	put.Land.Digest = put.Digest
	get := wire.Copy{
		Targets: []wire.Target{{Export: "data", Path: "a"}, {Path: "/b/"}}, Digest: tree.BLAKE3, Verify: true, Remove: true,
	}
	fill(reflect.ValueOf(&get.Walk).Elem())
	get.Walk.Filter = []tree.Rule{{Pattern: "*\xff", Include: true}, {Pattern: "x"}}
	get.Walk.Files = []string{}
	for d, want := range map[transport.Direction]wire.Copy{transport.Put: put, transport.Get: get} {
		m, err := wire.FromCopy(want, d)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := wire.ToCopy(m, d); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v: got %+v, want %+v: %v", d, got, want, err)
		}
	}
}

// fill sets whatever switch and number an options struct has, so that none is
// forgotten on the way.
func fill(v reflect.Value) {
	for _, f := range v.Fields() {
		if f.Kind() == reflect.Bool {
			f.SetBool(true)
		}
		if f.Kind() == reflect.Int {
			f.SetInt(-7)
		}
	}
}

// An export's name that is no UTF-8 must not make a message that cannot be sent.
func TestExportIsUTF8(t *testing.T) {
	m, err := wire.FromCopy(wire.Copy{Targets: []wire.Target{{Export: "a\xff", Path: "x"}}}, transport.Get)
	if err != nil || !utf8.ValidString(m.GetTargets()[0].GetExport()) {
		t.Errorf("the export's name is not UTF-8: %v", err)
	}
}

// What does not fit into a request is the user's to change, and what does fits
// into a message.
func TestCopyTooLong(t *testing.T) {
	c := wire.Copy{Targets: []wire.Target{{Export: "data"}}}
	for range wire.MaxLists/5 - 3 {
		c.Walk.Files = append(c.Walk.Files, "x")
	}
	m, err := wire.FromCopy(c, transport.Get)
	if err != nil || proto.Size(m) > wire.MaxMessage {
		t.Errorf("it takes %d bytes: %v", proto.Size(m), err)
	}
	c.Walk.Files = append(c.Walk.Files, make([]string, 4)...)
	for i := range c.Walk.Files {
		c.Walk.Files[i] = "x"
	}
	if _, err := wire.FromCopy(c, transport.Get); fault.CodeOf(err) != fault.Usage {
		t.Errorf("got %v", err)
	}
}
