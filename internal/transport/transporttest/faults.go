//nolint:thelper // a rule is a test that Suite runs, not a helper
package transporttest

import (
	"io"
	"testing"

	"github.com/rdmacp/rdmacp/internal/transport"
)

func fileRules() []rule {
	var rules []rule
	rules = append(rules, both("files/source fails", sourceFails)...)
	rules = append(rules, both("files/source ends early", sourceEnds)...)
	rules = append(rules, both("files/sink fails", func(t *testing.T, p pair) { sinkFails(t, p, broken{}, errDisk) })...)
	return append(rules, both("files/short write", func(t *testing.T, p pair) { sinkFails(t, p, stunted{}, io.ErrShortWrite) })...)
}

// more is how often a fault is repeated: a slot leaked each time would be missed
// at the end.
const more = 2 * slots

// A source that can't be read is an ErrSource that wraps the source's own error,
// and the connection lives on.
func sourceFails(t *testing.T, p pair) {
	for range more {
		err := p.failSource(t, broken{}, 100)
		mustBe(t, "broken source", err, transport.ErrSource)
		mustBe(t, "broken source", err, errDisk)
	}
	p.mustMove(t, chunkSize)
}

// A source shorter than the extent is an ErrSource too, not a short chunk.
func sourceEnds(t *testing.T, p pair) {
	for range more {
		err := p.failSource(t, newFile(99), 100)
		mustBe(t, "short source", err, transport.ErrSource)
		mustBe(t, "short source", err, io.ErrUnexpectedEOF)
	}
	p.mustMove(t, chunkSize)
}

// failSource reads src at the end that reads sources, and returns the error.
func (p pair) failSource(t *testing.T, src io.ReaderAt, n int) error {
	t.Helper()
	ext := transport.Extent{Len: n}
	if p.direction == transport.Put {
		_, err := p.lender.LendSource(deadline(t), src, ext)
		return err
	}
	loan, err := p.lender.LendSink(deadline(t), newRoom(n), ext)
	if err != nil {
		t.Fatal(err)
	}
	defer loan.Return() // nothing was pushed, and nothing ever will be
	_, err = p.driver.Push(deadline(t), src, ext, loan.Ticket())
	return err
}

// A sink that fails, or takes fewer bytes than it was given, is an ErrSink that
// wraps the cause, and the connection lives on.
func sinkFails(t *testing.T, p pair, dst io.WriterAt, cause error) {
	for range more {
		err := p.failSink(t, dst, 100)
		mustBe(t, "sink", err, transport.ErrSink)
		mustBe(t, "sink", err, cause)
	}
	p.mustMove(t, chunkSize)
}

// failSink writes to dst at the end that writes sinks, and returns the error.
func (p pair) failSink(t *testing.T, dst io.WriterAt, n int) error {
	t.Helper()
	src, ext := newFile(n), transport.Extent{Len: n}
	loan, err := p.lend(deadline(t), src, dst, ext)
	if err != nil {
		t.Fatal(err)
	}
	defer loan.Return()
	_, err = p.drive(deadline(t), src, dst, ext, loan.Ticket())
	if p.direction == transport.Get {
		if err != nil {
			t.Fatal(err)
		}
		_, err = loan.Settle(deadline(t))
	}
	return err
}
