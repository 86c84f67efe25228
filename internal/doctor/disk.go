package doctor

import (
	"context"
	"fmt"

	"github.com/dustin/go-humanize"

	"github.com/rdmacp/rdmacp/internal/storage"
)

// littleRoom is how few bytes may be free before it is told, and muchSlower how much slower
// one of two things has to be for the other to wait: probes as short as these do not agree
// any better.
const (
	littleRoom = 256 << 20
	muchSlower = 1.1
)

// Disk tries the file system of a directory of this host. Wire is how many bytes a second
// came to this host, if that is known: copies that come here go by the slower of the two.
func Disk(ctx context.Context, dir string, wire float64) Finding {
	d, err := storage.OpenDir(dir)
	if err != nil {
		return failed(checkDisk, err)
	}
	defer func() { _ = d.Close() }()
	v, err := d.Try(ctx)
	if err != nil {
		return failed(checkDisk, err)
	}
	return disk(dir, v, wire)
}

// NoDisk is what is said where no directory was named.
func NoDisk() Finding {
	return skip(checkDisk, "no directory was named: --dir DIR tries the disk below one, HOST::EXPORT one of the daemon's")
}

// disks looks at those of the directories that are exported, without trying them.
func (h Host) disks() []Finding {
	var all []Finding
	for _, dir := range h.Dirs {
		d, err := storage.OpenDir(dir)
		if err != nil {
			all = append(all, failed(checkDisk, err))
			continue
		}
		v, err := d.Volume()
		_ = d.Close()
		if err != nil {
			all = append(all, failed(checkDisk, err))
			continue
		}
		all = append(all, disk(dir, v, 0))
	}
	return all
}

// disk is the finding of a file system, which is called by the directory that lies on it.
func disk(name string, v storage.Volume, wire float64) Finding {
	said := name + ": " + traits(v) + slower(v, wire)
	switch {
	case v.Known && v.Free < littleRoom && !v.ReadOnly:
		return warn(checkDisk, said, "make room there, or copy to another place: a copy that does not fit is refused before it begins")
	case v.Untried != "" && v.Kind != "": // else it is not Linux, where nothing is known
		return warn(checkDisk, said+"; nothing was written there: "+v.Untried,
			"copies from there go all the same; to copy there, see that it is mounted writable, that you may write to it, and that there is room")
	case v.Buffered != "":
		return warn(checkDisk, said+"; a CPU copies what arrives ("+v.Buffered+")",
			"ext4 and xfs write past the page cache on Linux 6.1 or later; elsewhere a copy costs CPU time, and is as good")
	}
	return ok(checkDisk, said)
}

// traits are what is to be told of a file system whatever it is like.
func traits(v storage.Volume) string {
	s := v.Kind
	if s == "" {
		s = "a file system of which nothing is known"
	}
	if v.Known {
		s += ", " + humanize.IBytes(v.Free) + " free"
	}
	switch {
	case v.Memory:
		s += ", in memory: RDMA writes to the files themselves"
	case v.Reserves:
		s += ", room is taken before the bytes come"
	}
	if v.Wrote > 0 {
		how := "past the page cache"
		if v.Buffered != "" {
			how = "by way of the page cache"
		}
		s += fmt.Sprintf(", takes %s %s", perSecond(v.Rate()), how)
	}
	return s
}

// slower says which of disk and wire a copy waits for; nothing where one is not known.
func slower(v storage.Volume, wire float64) string {
	rate := v.Rate()
	switch {
	case rate == 0 || wire == 0:
		return ""
	case wire > rate*muchSlower:
		return fmt.Sprintf("; the wire brings %s: copies wait for the disk", perSecond(wire))
	case rate > wire*muchSlower:
		return fmt.Sprintf("; the wire brings %s: copies wait for the wire", perSecond(wire))
	}
	return fmt.Sprintf("; the wire brings %s, which is as much", perSecond(wire))
}

// perSecond is a rate for people.
func perSecond(bytes float64) string { return humanize.IBytes(uint64(bytes)) + "/s" }
