package wire

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strings"
	"time"

	"github.com/rdmacp/rdmacp/internal/storage"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// Target names a file of the daemon's, for Put and Get.
type Target struct {
	Export        string // empty: Path is absolute on the daemon's host
	Path          string
	BaseName      string // Put: the name to use if Path is a directory
	WantDirectory bool   // Put: Path has to be a directory
}

// FromPut returns a request to write a file.
func FromPut(t Target, m storage.Meta) *pb.Put {
	return &pb.Put{
		Path: []byte(t.Path), Export: exportName(t), BaseName: []byte(t.BaseName), WantDirectory: t.WantDirectory,
		Metadata: FromMeta(m),
	}
}

// ToPut returns what m holds.
func ToPut(m *pb.Put) (t Target, meta storage.Meta, err error) {
	t = Target{Export: m.GetExport(), Path: string(m.GetPath()), BaseName: string(m.GetBaseName()), WantDirectory: m.GetWantDirectory()}
	if err := t.check(); err != nil {
		return t, meta, invalid("Put", err)
	}
	if t.BaseName == "" || t.BaseName == "." || t.BaseName == ".." || strings.Contains(t.BaseName, "/") {
		return t, meta, invalid("Put", fmt.Errorf("base name %q", t.BaseName))
	}
	if meta, err = ToMeta(m.GetMetadata()); err != nil {
		return t, meta, invalid("Put", err)
	}
	return t, meta, nil
}

// FromGet returns a request to read a file.
func FromGet(t Target) *pb.Get { return &pb.Get{Path: []byte(t.Path), Export: exportName(t)} }

// exportName is UTF-8: what is not cannot be sent, and names no export.
func exportName(t Target) string { return strings.ToValidUTF8(t.Export, "\uFFFD") }

// ToGet returns what m holds.
func ToGet(m *pb.Get) (Target, error) {
	t := Target{Export: m.GetExport(), Path: string(m.GetPath())}
	if err := t.check(); err != nil {
		return t, invalid("Get", err)
	}
	return t, nil
}

// check refuses names that no file can have. That a name stays within an export
// is storage's business.
func (t Target) check() error {
	switch {
	case len(t.Path) > MaxPath || len(t.Export) > MaxName || len(t.BaseName) > MaxName:
		return errors.New("a name that is too long")
	case strings.ContainsRune(t.Path+t.Export+t.BaseName, 0):
		return errors.New("a name with a NUL byte")
	case t.Export == "" && !strings.HasPrefix(t.Path, "/"):
		return errors.New("neither an export nor an absolute path")
	default:
		return nil
	}
}

// FromMeta returns m as a message.
func FromMeta(m storage.Meta) *pb.Metadata {
	return &pb.Metadata{
		Size:         uint64(m.Size),
		Mode:         uint32(m.Mode.Perm()),
		MtimeSeconds: m.ModTime.Unix(),
		MtimeNanos:   uint32(m.ModTime.Nanosecond()),
		Allocated:    uint64(m.Allocated),
	}
}

// ToMeta returns what m holds.
func ToMeta(m *pb.Metadata) (storage.Meta, error) {
	switch {
	case m == nil:
		return storage.Meta{}, errors.New("no metadata")
	case m.GetSize() > math.MaxInt64-MaxChunk:
		return storage.Meta{}, fmt.Errorf("a size of %d bytes", m.GetSize())
	case m.GetMode() > 0o777:
		return storage.Meta{}, fmt.Errorf("mode %#o: permission bits only", m.GetMode())
	case m.GetMtimeNanos() >= 1e9:
		return storage.Meta{}, fmt.Errorf("%d nanoseconds", m.GetMtimeNanos())
	}
	return storage.Meta{
		Size:      int64(m.GetSize()),
		Mode:      fs.FileMode(m.GetMode()),
		ModTime:   time.Unix(m.GetMtimeSeconds(), int64(m.GetMtimeNanos())),
		Allocated: int64(min(m.GetAllocated(), math.MaxInt64)),
	}, nil
}
