//go:build linux

package e2e

import (
	"fmt"
	"testing"
)

// TestSizes puts files of sizes about those that matter within, and gets them
// back.
func TestSizes(t *testing.T) {
	tr := newTrial(t)
	sizes := []int{0, 4097, 8<<20 + 1}
	if thorough() {
		sizes = []int{0, 1, 4095, 4096, 4097, 1<<20 - 1, 8<<20 + 1}
	}
	for _, size := range sizes {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			sub := tr.within(t)
			src := random(t, tr.lab.here, fmt.Sprintf("%s/size%d", dataDir, size), size)
			mid := sub.across(src, src.path+".put")
			sub.copy(mid).copied(t)
			got := file{mid.host, mid.path, src.sum}
			back := sub.across(got, src.path+".got")
			sub.copy(back).copied(t)
			want := attributes(t, src)
			for _, f := range []file{got, back.file} {
				if a := attributes(t, f); a != want {
					t.Errorf("%s:%s has %s, want %s", f.host.name, f.path, a, want)
				}
			}
		})
	}
}
