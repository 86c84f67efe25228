package blank_test

import (
	"testing"

	"github.com/rdmacp/rdmacp/internal/blank"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// A peer may send what it likes: only a file of known size is wanted.
func TestAdd(t *testing.T) {
	t.Parallel()
	for _, e := range []tree.Entry{
		{ID: 1, Kind: tree.File, Meta: tree.Meta{Size: tree.Streamed}},
		{ID: 2, Kind: tree.Dir},
		{ID: 3, Kind: tree.File},
	} {
		if v := (blank.Sink{}).Add(t.Context(), e); v.Answer != tree.Fail || fault.CodeOf(v.Fault) != fault.Protocol {
			t.Errorf("%v of %d bytes: %+v", e.Kind, e.Meta.Size, v)
		}
	}
	v := blank.Sink{}.Add(t.Context(), tree.Entry{ID: 1, Kind: tree.File, Meta: tree.Meta{Size: 5}})
	if v.Answer != tree.Want || len(v.Ranges) != 1 || v.Ranges[0] != (tree.Range{Len: 5}) {
		t.Errorf("%+v", v)
	}
}
