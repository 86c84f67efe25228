//go:build linux

package e2e

import (
	"strings"
	"testing"
)

// TestBadWrite has a disk that writes another byte than it was told and says nothing of it
// (dm-flakey): --read-back finds out, and the name shows what it did before.
func TestBadWrite(t *testing.T) {
	needsTime(t)
	for _, way := range ways(t) {
		t.Run(way, func(t *testing.T) {
			tr := newTrial(t)
			from, to := tr.ends(way)
			badDisk(t, to)
			must(t, to, "modprobe dm_flakey; echo old >%[1]s/copy; sync -f %[1]s", badDir)
			src := random(t, from, dataDir+"/written", 10<<20)
			d := tr.to(src, to, badDir+"/copy")
			must(t, to, `loop=$(cat %[1]s/bad.loop)
dmsetup suspend --noudevsync bad && dmsetup load bad --table "0 $(blockdev --getsz $loop) flakey $loop 0 0 600 5 corrupt_bio_byte 3000 w 77 0" && dmsetup resume --noudevsync bad`, diskDir)
			args := []string{"--read-back", src.arg(), d.arg()}
			r := tr.rdmacp(d, nil, args...).wait()
			turn(t, to, "linear")
			r.failed(t, 12, "integrity", badDir+"/copy")
			if named := strings.HasPrefix(r.stderr, "rdmacp: "+there); named != (way == "put") {
				t.Errorf("the answer does not say that it is %s whose disk fails\n%s", to.name, r.stderr)
			}
			tr.stays(d)
		})
	}
}
