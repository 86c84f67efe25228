package rdmacp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

func TestProblems(t *testing.T) {
	t.Parallel()
	full := fault.New(fault.NoSpace, "writing x", errors.New("disk full"), "")
	gone := fault.New(fault.NotFound, "opening y", errors.New("no such file"), "")
	var out bytes.Buffer
	p := problems{out: &out}
	p.add(tree.Problem{Path: "x", Fault: full}, true)
	if out.Len() > 0 || !errors.Is(p.fault("copying", "", 1), full) {
		t.Errorf("one problem alone: %q", &out)
	}
	p.add(tree.Problem{Path: "y", Fault: gone}, false)
	if got, want := out.String(), "rdmacp: cannot copy x: disk full\nrdmacp: cannot copy y: no such file\n"; got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	for i := range 40 {
		p.add(tree.Problem{Path: fmt.Sprint("z", i), Fault: gone}, false)
	}
	if n := strings.Count(out.String(), "\n"); n != mostShown+1 {
		t.Errorf("%d lines for 42 problems", n)
	}
	f, _ := fault.As(p.fault("copying a to b", ": again", 50))
	if f.Code != fault.Partial || f.What != "copying a to b: 42 of 50 files were not copied" ||
		f.Why.Error() != "no such file (41 times) and other causes, see above" || !strings.HasSuffix(f.Fix, ": again") {
		t.Errorf("%v; fix: %s", f, f.Fix)
	}
}

// Files that were removed meanwhile have a code of their own, unless something else went wrong as well.
func TestVanished(t *testing.T) {
	t.Parallel()
	p := problems{out: io.Discard}
	for _, want := range []fault.Code{fault.Vanished, fault.Vanished} {
		p.add(tree.Problem{Path: "a", Fault: fault.New(fault.Vanished, "opening a", errors.New("it was removed"), "")}, false)
		if got := fault.CodeOf(p.fault("copying", "", 9)); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	p.add(tree.Problem{Path: "b", Fault: fault.New(fault.Permission, "opening b", errors.New("no"), "")}, false)
	if got := fault.CodeOf(p.fault("copying", "", 9)); got != fault.Partial {
		t.Errorf("got %v, want %v", got, fault.Partial)
	}
}

func TestProblemLine(t *testing.T) {
	t.Parallel()
	p := tree.Problem{Path: "a\x1b", Fault: &fault.Error{Code: fault.IO, Host: "gpu7", What: "removing b\n", Why: errors.New("c\r")}}
	if got, want := problemLine(p), `gpu7: cannot copy a\x1b: removing b\n: c\r`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
