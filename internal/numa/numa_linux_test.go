package numa

import (
	"slices"
	"testing"
)

func TestParseList(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]int{
		"0\n": {0}, "0-3,8": {0, 1, 2, 3, 8}, "1,3": {1, 3}, "": nil, "x": nil, "0-": nil, "3-1": nil, "-1": nil, "0-99999999": nil,
	} {
		if got := parseList(text); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// On a host with one node, and for a NIC whose node nobody knows, nothing is done but what is asked for.
func TestNear(t *testing.T) {
	t.Parallel()
	for _, node := range []int{-1, 0, 1, mostNodes - 1, mostNodes} {
		called := 0
		Near(node, func() { called++ })
		if called != 1 {
			t.Errorf("node %d: called %d times", node, called)
		}
	}
}
