package wire

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// Copy asks for a transfer. The direction is the session's.
type Copy struct {
	Targets  []Target // put: where it goes, a single one; get: what is sent
	Naming   tree.Naming
	Several  bool             // put: more than one thing is sent
	Walk     tree.WalkOptions // get
	Land     tree.LandOptions // put
	Digest   tree.Algorithm   // of whole files
	ReadBack bool             // put
	Verify   bool
	Remove   bool  // get
	Blank    int64 // not 0: no files, but that many bytes of memory
}

// Target names something on the daemon's host.
type Target struct {
	Export string // empty: Path is absolute on the daemon's host
	Path   string // a slash at the end says that what is in the directory is meant
}

// FromCopy returns c as a message. It is a fault of code Usage if it does not fit
// into one.
func FromCopy(c Copy, d transport.Direction) (*pb.Copy, error) {
	if err := c.check(d); err != nil {
		return nil, fault.New(fault.Usage, "asking for the copy", err,
			"name fewer or shorter paths and patterns at once: a directory in place of what is in it")
	}
	m := &pb.Copy{
		Naming: pb.Naming(c.Naming), Several: c.Several, Digest: pb.Algorithm(c.Digest),
		ReadBack: c.ReadBack, Verify: c.Verify, RemoveSources: c.Remove, Blank: uint64(c.Blank),
	}
	for _, t := range c.Targets {
		// What is no UTF-8 cannot be sent, and names no export.
		m.Targets = append(m.Targets, &pb.Target{Path: []byte(t.Path), Export: strings.ToValidUTF8(t.Export, "\uFFFD")})
	}
	if d == transport.Get {
		m.Walk = fromWalk(c.Walk)
	} else {
		m.Land = fromLand(c.Land)
	}
	return m, nil
}

// ToCopy returns what m holds, in a session for d.
func ToCopy(m *pb.Copy, d transport.Direction) (Copy, error) {
	c := Copy{
		Naming: tree.Naming(min(uint32(m.GetNaming()), 255)), Several: m.GetSeveral(),
		Digest:   tree.Algorithm(min(uint32(m.GetDigest()), 255)),
		ReadBack: m.GetReadBack(), Verify: m.GetVerify(), Remove: m.GetRemoveSources(),
		Blank: int64(min(m.GetBlank(), MaxSize)),
	}
	for _, t := range m.GetTargets() {
		c.Targets = append(c.Targets, Target{Export: t.GetExport(), Path: string(t.GetPath())})
	}
	if (m.GetWalk() != nil) != (d == transport.Get) || (m.GetLand() != nil) != (d == transport.Put) {
		return c, invalid("Copy", fmt.Errorf("it is not for a %s, which is what the session was opened for", d))
	}
	if d == transport.Get {
		c.Walk = toWalk(m.GetWalk())
	} else {
		c.Land = toLand(m.GetLand())
		c.Land.Digest, c.Land.ReadBack, c.Land.Verify = c.Digest, c.ReadBack, c.Verify
	}
	if err := c.check(d); err != nil {
		return c, invalid("Copy", err)
	}
	return c, nil
}

// check refuses what no daemon does.
func (c Copy) check(d transport.Direction) error {
	switch {
	case c.Blank != 0 && len(c.Targets) > 0:
		return errors.New("it names targets and moves no files")
	case c.Blank == 0 && len(c.Targets) == 0 || len(c.Targets) > MaxTargets || d == transport.Put && len(c.Targets) > 1:
		return fmt.Errorf("it names %d targets", len(c.Targets))
	case d == transport.Put && c.Blank == 0 && (c.Naming < tree.Auto || c.Naming > tree.Contents):
		return fmt.Errorf("it is named in way %d, which nobody knows", c.Naming)
	case c.Digest > tree.SHA256:
		return fmt.Errorf("digest algorithm %d", c.Digest)
	case d == transport.Put && c.Remove:
		return errors.New("the sources of a put are not here to be removed")
	}
	size := 0
	for _, t := range c.Targets {
		if err := t.check(); err != nil {
			return err
		}
		size += len(t.Path) + len(t.Export) + 8
	}
	for _, r := range slices.Concat(c.Walk.Filter, c.Land.Keep) {
		if r.Pattern == "" || len(r.Pattern) > MaxPath || strings.ContainsRune(r.Pattern, 0) {
			return fmt.Errorf("pattern %.64q", r.Pattern)
		}
		size += len(r.Pattern) + 8
	}
	for _, f := range c.Walk.Files {
		if f == "" || len(f) > MaxPath || strings.ContainsRune(f, 0) {
			return fmt.Errorf("path %.64q in the list of files", f)
		}
		size += len(f) + 4
	}
	if size > MaxLists {
		return fmt.Errorf("its paths and patterns take %d bytes, and one request holds %d", size, MaxLists)
	}
	return nil
}

// check refuses names that no file can have. That a name stays within an export
// is storage's business.
func (t Target) check() error {
	switch {
	case len(t.Path) > MaxPath || len(t.Export) > MaxName:
		return errors.New("a name that is too long")
	case strings.ContainsRune(t.Path+t.Export, 0):
		return errors.New("a name with a NUL byte")
	case t.Export == "" && !strings.HasPrefix(t.Path, "/"):
		return errors.New("neither an export nor an absolute path")
	}
	return nil
}
