package transfer

import (
	"testing"

	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// pagedLanding is a file in memory, of which it is noted that its place was shown.
type pagedLanding struct {
	tree.Landing
	shown bool
}

func (l *pagedLanding) Place(transport.Extent, func(transport.Place) error) bool {
	l.shown = true
	return true
}

// A get lends room for a range ahead of hearing that the range is the same at both ends.
// Showing its place would make a new file of one that stays as it is.
func TestPlaceOfWhatMayBeKept(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		compare bool
		kept    []int // nil: not known
		want    bool
	}{
		{"not compared", false, nil, true},
		{"not known", true, nil, false},
		{"differs", true, []int{}, true},
		{"the same", true, []int{0}, false},
	} {
		l := &pagedLanding{}
		f := &taken{}
		f.open.Do(func() { f.landing = l })
		w := newScatter(&sink{files: map[int64]*taken{1: f}}, []Segment{{ID: 1, Range: tree.Range{Len: 8}, Compare: tt.compare}})
		if tt.kept != nil {
			w.keeping(tt.kept)
		}
		if got := w.Place(transport.Extent{}, nil); got != tt.want || l.shown != tt.want {
			t.Errorf("%s: %v, shown %v, want %v", tt.name, got, l.shown, tt.want)
		}
	}
}
