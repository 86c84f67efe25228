package transfer

import (
	"errors"
	"testing"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// TestGivenUp: the sink may give a file up at any moment. Who was about to read it then must
// not find it open; who reads it still has it until it leaves.
func TestGivenUp(t *testing.T) {
	t.Parallel()
	s := newSource(newEnd(nil, Options{}), open{})
	g := &given{entry: tree.Entry{ID: 1, Kind: tree.File, Meta: tree.Meta{Size: 1}}, left: 1}
	if err := s.use(g); err != nil {
		t.Fatal(err)
	}
	g.close()
	if g.file == nil {
		t.Error("it was closed under its reader")
	}
	if err := s.use(g); !errors.Is(err, errGivenUp) || g.users != 1 {
		t.Errorf("%v, with %d readers", err, g.users)
	}
	g.leave()
	if g.file != nil {
		t.Error("it is still open")
	}

	failed := &given{entry: g.entry, left: 1}
	why := fault.New(fault.SourceChanged, "reading it", errors.New("it went"), "")
	failed.failed, failed.seal.Fault = true, why
	if err := s.use(failed); !errors.Is(err, why) || failed.file != nil {
		t.Error(err)
	}
}

// open is a tree whose file can be opened.
type open struct{ tree.Source }

func (open) Open(tree.Entry) (tree.SourceFile, error) { return openFile{}, nil }

type openFile struct{ tree.SourceFile }

func (openFile) Close() error { return nil }
