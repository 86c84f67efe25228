package transfer

import (
	"syscall"

	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// show lets take have a range of a file where it lies, and reports whether that was
// all that is to be done: then the range counts as read.
func (s *source) show(g *given, r tree.Range, take func(transport.Place) error) bool {
	if s.use(g) != nil {
		return false // read says why
	}
	defer g.leave()
	file, ok := g.file.(syscall.Conn)
	if !ok {
		return false
	}
	around := tree.Around(g.entry.Ranges(), r) // without holes
	err := take(transport.Place{
		File: file, Volume: g.entry.Meta.Device, Off: r.Off, Since: around.Off, Until: around.End(),
	})
	if err != nil {
		return false
	}
	s.taken(g, r)
	return true
}
