package client_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/storage"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// sent are the entries of what a daemon sends, one a word: a path in which each directory came
// before, that ends in a slash if it is one; "NAME->" is a symbolic link, "NAME|" a FIFO,
// "NAME=" a socket, "NAME#" a device, and "NAME&" a further name of the entry before. "/" is
// the directory whose contents are sent.
func sent(text string) []*pb.Entry {
	ids := map[string]uint64{}
	var es []*pb.Entry
	for i, path := range strings.Fields(text) {
		e := &pb.Entry{Id: uint64(i) + 1, Kind: pb.Kind_KIND_FILE, Mode: 0o700}
		for mark, kind := range map[string]pb.Kind{
			"/": pb.Kind_KIND_DIR, "->": pb.Kind_KIND_SYMLINK, "|": pb.Kind_KIND_FIFO, "=": pb.Kind_KIND_SOCKET,
			"#": pb.Kind_KIND_CHAR_DEVICE, "&": pb.Kind_KIND_HARDLINK,
		} {
			if name, ok := strings.CutSuffix(path, mark); ok {
				path, e.Kind = name, kind
			}
		}
		switch e.GetKind() { //nolint:exhaustive // the others are what they are
		case pb.Kind_KIND_SYMLINK:
			e.Link = []byte("/etc/passwd")
		case pb.Kind_KIND_HARDLINK:
			e.First, es[i-1].Linked = uint64(i), true
		}
		dir, leaf := filepath.Split(path)
		dir = strings.TrimSuffix(dir, "/")
		e.Parent, e.Name = ids[dir], []byte(leaf)
		ids[path] = e.GetId()
		es = append(es, e)
	}
	return es
}

// unasked is what somebody asks for, and what else the daemon sends.
type unasked struct {
	name string
	from string // targets, in one export; those that begin with a slash are the host's
	ask  tree.WalkOptions
	send string
	want string // of the fault
}

var (
	trees   = tree.WalkOptions{Recursive: true}
	archive = tree.WalkOptions{Recursive: true, Links: true, HardLinks: true, Devices: true, Specials: true}
)

func with(o tree.WalkOptions, rules ...tree.Rule) tree.WalkOptions {
	o.Filter = rules
	return o
}

func of(o tree.WalkOptions, files ...string) tree.WalkOptions {
	o.Files = files
	return o
}

const (
	badName = "nothing of that name was asked for"
	badKind = "nothing of that kind was asked for"
	badDir  = "directories, and what is in them, were not asked for"
	badList = "it is not on the list of files"
	badRule = "it is excluded"
	badRoot = "what is in a directory was not asked for"
)

var manyUnasked = []unasked{
	{"another name", "a.txt", tree.WalkOptions{}, "b.txt", `file "b.txt": ` + badName},
	{"another name too", "a.txt", archive, "a.txt .bashrc", `file ".bashrc": ` + badName},
	{"another directory", "a", archive, "a/ a/b .ssh/ .ssh/authorized_keys", `directory ".ssh": ` + badName},
	{"another case", "a.txt", tree.WalkOptions{}, "A.TXT", badName},
	{"the directory above", "a/b", archive, "a/ a/b", badName},
	{"what is in it", "a", archive, "/ b", badRoot},
	{"what is in it, of a file", "a/", tree.WalkOptions{}, "/ b", badRoot},
	{"a name in the place of what is in it", "a/", archive, "a/ a/b", badName},
	{"a name in the place of an export", "", archive, ".ssh/", badName},
	{"symbolic link", "a", trees, "a->", `symbolic link "a": ` + badKind},
	{"symbolic link in a tree", "a", trees, "a/ a/b->", badKind},
	{"hard link", "a", trees, "a/ a/b a/c&", `hard link "c": ` + badKind},
	{"FIFO", "a", trees, "a|", `FIFO "a": ` + badKind},
	{"socket", "a", trees, "a=", badKind},
	{"device", "a", trees, "a#", `character device "a": ` + badKind},
	{"directory", "a", tree.WalkOptions{Links: true}, "a/", `directory "a": ` + badDir},
	{"what is in a file", "a", tree.WalkOptions{}, "a a/b", badDir},
	{"other than a pattern", "*.txt /x/[ab]", tree.WalkOptions{}, "b.txt b c.bin", `file "c.bin": ` + badName},
	{"hidden, where a pattern has no dot", "*", archive, "a .bashrc", `file ".bashrc": ` + badName},
	{"directory of another name than a pattern's", "a*/", archive, "ab/", badName},
	{"a pattern's directories", "*/x", archive, "a/ a/x", badName},
	{"a name that only looks like a pattern", `a\b`, tree.WalkOptions{}, "ab", badName},
	{"excluded", "a.o", with(tree.WalkOptions{}, tree.Rule{Pattern: "*.o"}), "a.o", `file "a.o": ` + badRule},
	{"excluded in a tree", "a", with(trees, tree.Rule{Pattern: "*.o"}), "a/ a/b a/b.o", `file "a/b.o": ` + badRule},
	{"excluded directory", "a/", with(trees, tree.Rule{Pattern: ".ssh/"}), "/ /.ssh/", `directory ".ssh": ` + badRule},
	{"not among what is included", "a", with(trees, tree.Rule{Pattern: "/a", Include: true}, tree.Rule{Pattern: "*"}), "a/ a/b", badRule},
	{"in no directory", "a", with(trees, tree.Rule{Pattern: "b"}), "a a/c", "the directory that it is in was not sent"},
	{"not listed", "d", of(archive, "a", "b/c"), "a .bashrc", `file ".bashrc": ` + badList},
	{"beside what is listed", "d", of(archive, "b/c"), "b/ b/c b/d", `file "b/d": ` + badList},
	{"a file on the way", "d", of(archive, "b/c"), "b", badList},
	{"a link on the way", "d", of(archive, "b/c"), "b->", `symbolic link "b": ` + badList},
	{"in what is listed", "d", of(tree.WalkOptions{}, "b"), "b/ b/c", badList},
	{"listed deeper", "d", of(archive, "b/c"), "c", badList},
	{"the directory of the list", "d", of(archive, "b"), "/ /b", badRoot},
	{"beside the directory of the list", "d", of(archive, ".", "b"), "b", badList},
	{"in the directory of the list", "d", of(tree.WalkOptions{}, ".", "b"), "/ /c", badList},
	{"excluded in what is listed", "d", with(of(archive, "b"), tree.Rule{Pattern: "c"}), "b/ b/c", `file "b/c": ` + badRule},
	{"link that is listed", "d", of(trees, "b"), "b->", badKind},
	{"control characters", "a", tree.WalkOptions{}, "\x1b[2J\x07\xff", `file "\x1b[2J\a\xff": ` + badName},
}

// A daemon that sends what a get has not asked for, along with what it has, is told apart from
// an honest one, and nothing at all is made of what it said.
func TestUnasked(t *testing.T) {
	t.Parallel()
	for _, tt := range manyUnasked {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir, err := tt.run(t, client.Job{}, told(sent(tt.send)...))
			f := failsWith(t, err, fault.Protocol)
			if f.Host != "there" || f.What != "the daemon sends what was not asked for" || !strings.HasSuffix(f.Why.Error(), tt.want) || f.Fix == "" {
				t.Errorf("not said: %s: %v", tt.want, f)
			}
			if made := all(t, dir); len(made) > 0 {
				t.Errorf("it makes %q", made)
			}
		})
	}
}

// What was not asked for is not made behind what was, and neither compared nor listed where
// nothing is to be made.
func TestUnaskedLater(t *testing.T) {
	t.Parallel()
	es := sent("a/ a/b->")
	for name, j := range map[string]client.Job{
		"copy": {}, "dry run": {Land: tree.LandOptions{DryRun: true}}, "verify": {Land: tree.LandOptions{Verify: true}},
		"deletion": {Land: tree.LandOptions{Delete: true, MaxDelete: -1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j.Engine.Events.Decided = func(path string, _ tree.Entry, _ tree.Verdict) {
				if path != "a" {
					t.Errorf("%s is looked at", path)
				}
			}
			dir, err := unasked{from: "a", ask: trees}.run(t, j, batch(&pb.Batch{Entries: es[:1]}), told(es[1:]...))
			failsWith(t, err, fault.Protocol)
			if made := all(t, dir); len(made) > 1 || len(made) == 1 && made[0] != "a" {
				t.Errorf("it makes %q", made)
			}
		})
	}
}

// A daemon that says that it has removed what it was not asked to is not believed to be one.
func TestUnaskedRemoval(t *testing.T) {
	t.Parallel()
	play("removed", fault.Protocol, accept(), batch(&pb.Batch{Removed: [][]byte{[]byte("x")}})).run(t, transport.Put)
}

// run gets what is asked for from a daemon that says what it wants, into a directory that it
// returns.
func (u unasked) run(t *testing.T, j client.Job, say ...*pb.SessionResponse) (string, error) {
	t.Helper()
	s := dial(t, fakeDaemon(t, transport.Get, nil, func(stream serverStream) error {
		_ = until(stream, func(m *pb.SessionRequest) bool { return m.GetCopy() != nil })
		_ = stream.Send(accept())
		for _, m := range say {
			_ = stream.Send(m)
		}
		_ = until(stream, func(m *pb.SessionRequest) bool { return m.GetAbort() != nil || m.GetFinish() != nil })
		_ = stream.Send(&pb.SessionResponse{Message: &pb.SessionResponse_Fault{}})
		return linger(stream)
	}))
	var from []client.Target
	for path := range strings.SplitSeq(u.from, " ") {
		target := client.Target{Export: "e", Path: path}
		if strings.HasPrefix(path, "/") {
			target.Export = ""
		}
		from = append(from, target)
	}
	dir := t.TempDir()
	dst, err := storage.Land(dir, tree.Contents, true, j.Land)
	must(t, err)
	defer func() { must(t, dst.Close()) }()
	j.Walk = u.ask
	_, err = s.Get(t.Context(), from, dst, j)
	return dir, err
}

// all are the names in a directory, those that begin with a dot too.
func all(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
