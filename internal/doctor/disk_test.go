package doctor

import (
	"strings"
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/storage"
	"github.com/rdmacp/rdmacp/internal/wire"
)

// What is said of a file system, and which of it and the wire copies wait for.
func TestDisk(t *testing.T) {
	t.Parallel()
	disk100 := func(change func(*storage.Volume)) storage.Volume {
		v := storage.Volume{
			Kind: "ext4", Reserves: true, Known: true, Free: 2 << 30, Wrote: 10 << 20, Took: 100 * time.Millisecond,
		}
		change(&v)
		return v
	}
	for _, tt := range []struct {
		name   string
		change func(*storage.Volume)
		wire   float64 // MiB a second
		status Status
		says   string
	}{
		{"good", func(*storage.Volume) {}, 0, OK, "/d: ext4, 2.0 GiB free, room is taken before the bytes come, takes 100 MiB/s past the page cache"},
		{"the disk is slower", func(*storage.Volume) {}, 770, OK, "past the page cache; the wire brings 770 MiB/s: copies wait for the disk"},
		{"the wire is slower", func(*storage.Volume) {}, 38, OK, "; the wire brings 38 MiB/s: copies wait for the wire"},
		{"neither is", func(*storage.Volume) {}, 105, OK, "; the wire brings 105 MiB/s, which is as much"},
		{"only looked at", func(v *storage.Volume) { v.Wrote = 0 }, 770, OK, "room is taken before the bytes come"},
		{"in memory", func(v *storage.Volume) { v.Kind, v.Memory, v.Wrote = "tmpfs", true, 0 }, 770, OK, "tmpfs, 2.0 GiB free, in memory: RDMA writes to the files themselves"},
		{"room is short", func(v *storage.Volume) { v.Free = 5 << 20 }, 0, Warn, "5.0 MiB free"},
		{"nothing can be written", func(v *storage.Volume) { v.Untried, v.Wrote = "permission denied", 0 }, 0, Warn, "; nothing was written there: permission denied"},
		{"read-only and full", func(v *storage.Volume) { v.ReadOnly, v.Free, v.Untried = true, 0, "it is read-only" }, 0, Warn, "written there: it is read-only"},
		{"by the page cache", func(v *storage.Volume) { v.Buffered = "O_DIRECT: no" }, 770, Warn, "takes 100 MiB/s by way of the page cache; the wire brings 770 MiB/s: copies wait for the disk; a CPU copies what arrives (O_DIRECT: no)"},
		{"not Linux", func(v *storage.Volume) { *v = storage.Volume{Untried: "unsupported operation"} }, 770, OK, "/d: a file system of which nothing is known"},
	} {
		f := disk("/d", disk100(tt.change), tt.wire*(1<<20))
		if f.ID != "disk" || f.Status != tt.status || !strings.Contains(f.Observed, tt.says) || (f.Fault == nil) != (f.Status == OK) {
			t.Errorf("%s: %s %s", tt.name, f.Status, f.Observed)
		}
	}
}

// A directory is tried where it is, and one that is not there is a failure.
func TestDiskOfDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if f := Disk(t.Context(), dir, 0); !strings.HasPrefix(f.Observed, dir+": ") || f.Status == Fail {
		t.Errorf("%s %s", f.Status, f.Observed)
	}
	if f := Disk(t.Context(), dir+"/none", 0); f.Status != Fail || f.Fault.Code != fault.NotFound {
		t.Errorf("%s %s", f.Status, f.Observed)
	}
	all := Host{Dirs: []string{dir, dir + "/none"}}.disks()
	if len(all) != 2 || all[0].Status == Fail || strings.Contains(all[0].Observed, "takes") || all[1].Status != Fail {
		t.Errorf("%+v", all)
	}
}

// What this client may do there, and clocks that are apart.
func TestThere(t *testing.T) {
	t.Parallel()
	if f := exported([]wire.Reachable{{Name: "a", Writable: true}, {Name: "b"}}); f.Status != OK || f.Observed != "a may be read and written to, b may be read" {
		t.Errorf("%s %s", f.Status, f.Observed)
	}
	if f := exported(nil); f.Status != Warn || !strings.Contains(f.Fault.Fix, "--export") {
		t.Errorf("%s %s", f.Status, f.Observed)
	}
	for ahead, says := range map[time.Duration]string{
		0: "agree", time.Minute: "agree", -time.Minute: "agree",
		61 * time.Second: "the daemon's is 1m1s ahead of this host's", -2 * time.Hour: "the daemon's is 2h0m0s behind this host's",
	} {
		if f := clock(ahead); !strings.Contains(f.Observed, says) || (f.Status == OK) != (says == "agree") {
			t.Errorf("%v: %s %s", ahead, f.Status, f.Observed)
		}
	}
}
