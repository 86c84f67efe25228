//go:build linux

package e2e

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// pinsPages reports whether the kernel lets the page cache be read by RDMA: 6.2 and later do. The guests' is this process's.
func pinsPages(t *testing.T) bool {
	t.Helper()
	var u syscall.Utsname
	if err := syscall.Uname(&u); err != nil {
		t.Fatal(err)
	}
	var release []byte
	for _, c := range u.Release {
		release = append(release, byte(c))
	}
	var major, minor int
	if _, err := fmt.Sscanf(string(release), "%d.%d", &major, &minor); err != nil {
		t.Fatalf("%q: %v", release, err)
	}
	return major > 6 || major == 6 && minor >= 2
}

// TestZeroCopy copies a file of odd size between memory and disk, both ways, where a
// single byte that a CPU copies ends the copy; and believes the counts only if they
// add up. Where the kernel is too old for that, it is said, and without the flag a CPU copies.
func TestZeroCopy(t *testing.T) {
	tr := newTrial(t)
	const size = 8<<20 + 12_345
	for _, c := range []struct{ name, from, to, source, sink string }{
		{"memory to memory", dataDir, dataDir, "page_cache_bytes", "page_cache_bytes"},
		{"memory to disk", dataDir, diskDir, "page_cache_bytes", "direct_bytes"},
		{"disk to memory", diskDir, dataDir, "page_cache_bytes", "page_cache_bytes"},
		{"past the page cache", diskDir, diskDir, "direct_bytes", "direct_bytes"},
	} {
		for _, way := range []string{"put", "get"} {
			t.Run(c.name+"/"+way, func(t *testing.T) {
				sub := tr.within(t)
				from, source, sink := tr.lab.here, "local", "remote"
				if way == "get" {
					from, source, sink = tr.lab.there, sink, source
				}
				src := random(t, from, c.from+"/zero", size)
				flags := []string{"--require-zero-copy"}
				if c.source == "direct_bytes" {
					flags = append(flags, "--source=direct")
				}
				d := sub.across(src, c.to+"/"+strings.ReplaceAll(c.name, " ", "-")+"."+way)
				if c.source == "page_cache_bytes" && !pinsPages(t) {
					sub.copy(d, flags...).failed(t, 4, "copied", "kernels before 6.2")
					r := sub.copy(d)
					r.copied(t)
					if n := r.counts(t)[source]; n["copied_bytes"] != float64(size) || n["page_cache_bytes"] != 0.0 {
						t.Errorf("%s: %v bytes were copied, %v came from the page cache, of %d", source, n["copied_bytes"], n["page_cache_bytes"], size)
					}
					return
				}
				r := sub.copy(d, flags...)
				r.copied(t)
				counts := r.counts(t)
				for end, key := range map[string]string{source: c.source, sink: c.sink} {
					if n := counts[end]; n["copied_bytes"] != 0.0 || n[key] != float64(size) {
						t.Errorf("%s: %v bytes were copied, %v %s, of %d", end, n["copied_bytes"], n[key], key, size)
					}
				}
			})
		}
	}
	t.Run("bench paths", func(t *testing.T) {
		file := random(t, tr.lab.here, dataDir+"/zero", size)
		// Without java: in an emulated guest it takes a minute to start.
		out, err := tr.lab.here.sh("PATH= %s bench paths --rounds=1 --transport=rdma --json %s %s", tr.lab.rdmacp, file.path, there)
		if err != nil {
			t.Fatal(err)
		}
		copied := 12_345 // the chunk at the end is too short to map
		if !pinsPages(t) {
			copied = size
		}
		row := regexp.MustCompile(fmt.Sprintf(`"path":"rdmacp","rounds":1,"bytes":%d,.*"copied_bytes":%d,`, size, copied))
		if !row.MatchString(out) {
			t.Errorf("no row like %s in:\n%s", row, out)
		}
	})
	t.Run("refused", func(t *testing.T) {
		sub := tr.within(t)
		src := random(t, tr.lab.here, dataDir+"/zero", 5000)
		why := "more than 1.0 MiB"
		if !pinsPages(t) {
			why = "kernels before 6.2"
		}
		sub.copy(sub.across(src, diskDir+"/small"), "--require-zero-copy").failed(t, 4, "copied", why, "docs/zerocopy.md")
	})
}

// counts are what both ends counted, by end and name.
func (r result) counts(t *testing.T) map[string]map[string]any {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(r.stdout), "\n")
	var summary struct{ Local, Remote map[string]any }
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &summary); err != nil {
		t.Fatal(err)
	}
	return map[string]map[string]any{"local": summary.Local, "remote": summary.Remote}
}
