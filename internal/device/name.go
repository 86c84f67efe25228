package device

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// railName is a rail as a user names it.
type railName struct {
	device string // empty for any
	port   int    // 0 for any
}

// parseName parses "", "rxe0" and "rxe0/1".
func parseName(s string) (railName, error) {
	device, port, hasPort := strings.Cut(s, "/")
	n := railName{device: device}
	if !hasPort {
		return n, nil
	}
	p, err := strconv.ParseUint(port, 10, 8)
	if err != nil || p == 0 || device == "" {
		return railName{}, fault.New(fault.Usage, fmt.Sprintf("using RDMA device %q", s),
			fmt.Errorf("%q is no port", port), "name a device, or device/port, as `rdmacp devices` lists them")
	}
	n.port = int(p)
	return n, nil
}

func (n railName) matches(r Rail) bool {
	return (n.device == "" || n.device == r.Device) && (n.port == 0 || n.port == r.Port)
}

// nearest returns the names of rails, the ones most like name first.
func nearest(rails []Rail, name string) []string {
	names := make([]string, len(rails))
	for i, r := range rails {
		names[i] = r.Name()
	}
	device, _, hasPort := strings.Cut(name, "/")
	distance := func(s string) int {
		if !hasPort {
			s, _, _ = strings.Cut(s, "/")
			return editDistance(s, device)
		}
		return editDistance(s, name)
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(distance(a), distance(b)) })
	return names
}

// editDistance is the Levenshtein distance: how many bytes have to be put in, taken out
// or changed to make b of a.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			above := row[j+1]
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, above+1, row[j]+1)
			diagonal = above
		}
	}
	return row[len(b)]
}
