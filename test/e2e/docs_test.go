//go:build linux

package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/rdmacp/rdmacp/test/docs"
)

// TestDocs runs what README.md and docs tell a person to type, as it stands there: the blocks of a page whose fence says
// "run", one after another, by RDMA. What begins with rdmad is typed on the daemon's host, gpu7, and all else on the other,
// unless the fence says "both".
func TestDocs(t *testing.T) {
	requireGuests(t)
	l, err := openLab()
	if err != nil {
		t.Fatal(err)
	}
	if l.daemon.alive() { // the port is the pages'
		if code, err := l.daemon.stop(); code != 0 || err != nil {
			t.Fatalf("the daemon of other tests ends with %d, %v", code, err)
		}
	}
	pages, err := docs.Pages("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		blocks, _, err := docs.Read("../..", page)
		if err != nil {
			t.Fatal(err)
		}
		blocks = slices.DeleteFunc(blocks, func(b docs.Block) bool { return !b.Is("run") })
		if len(blocks) == 0 {
			continue
		}
		t.Run(page, func(t *testing.T) {
			if page == "docs/is-it-really-rdma.md" && !pinsPages(t) {
				t.Skip("what it shows takes a kernel that lets the page cache be read by RDMA: 6.2")
			}
			s := l.newStage(t)
			for _, b := range blocks {
				s.play(b)
			}
		})
	}
}

// play types what is in a block.
func (s *stage) play(b docs.Block) {
	s.t.Helper()
	for _, statement := range b.Statements() {
		if prepare := s.ahead(b.Page, statement); prepare != nil {
			prepare()
		}
		words := docs.Commands(statement)[0]
		switch ofDaemon := words[0] == "rdmad"; {
		case ofDaemon && strings.HasPrefix(words[1], "-"):
			s.serve(statement)
		case b.Is("both"):
			s.run(s.here, statement)
			s.run(s.there, statement)
		case ofDaemon:
			s.run(s.there, statement)
		default:
			s.run(s.here, statement)
		}
	}
}

// placeholders are what stands in the pages for something that a reader has, as a shell is told it. Of two commands
// less is asked: one moves 3 GiB, the other starts a java that is there, which takes an emulated guest a minute.
var placeholders = strings.NewReplacer(
	"rdmacp bench gpu7", "rdmacp bench --size 4MiB gpu7",
	"rdmacp bench paths FILE", "env PATH= "+stageDir+"/bin/rdmacp bench paths --rounds 1 model.bin",
	"FILE", "model.bin",
	"SESSION", `$(rdmad status | sed -n 's/^\([A-Z0-9]\{8\}\) .*/\1/p')`,
	"TOKEN", `$(rdmad token list | sed -n 's/^\([A-Z0-9]\{8,\}\) .*/\1/p' | head -n 1)`,
)

// ahead makes what a page takes for granted where it says a command; nil: it has it already.
func (s *stage) ahead(page, statement string) func() {
	asked, _, _ := strings.Cut(statement, " #")
	switch page + ": " + strings.TrimSpace(asked) {
	case "README.md: sudo hack/softroce/up eth0", "docs/testbed.md: sudo hack/softroce/up eth0":
		return func() { s.removeDevice(s.here) }
	case "docs/quickstart.md: sudo modprobe rdma_rxe && sudo rdma link add rxe0 type rxe netdev eth0":
		return func() { s.removeDevice(s.here); s.removeDevice(s.there) }
	case "docs/operating.md: rdmad status", "docs/security.md: rdmad token create models/llama-7b bob.token":
		return s.serveTLS
	case "docs/operating.md: rdmad cancel SESSION":
		return s.slowCopy
	case "docs/is-it-really-rdma.md: rdmacp model.bin gpu7::data/by-tcp.bin":
		return s.dropRoCE
	}
	return nil
}
