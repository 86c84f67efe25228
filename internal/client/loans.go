package client

import (
	"context"
	"io"
	"sync"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// book is a lender that remembers what it has lent: the engine leaves a loan
// whose fate it does not know, and the session may learn that fate later.
type book struct {
	transport.Lender

	mu   sync.Mutex
	lent map[*entry]struct{}
}

func newBook(l transport.Lender) *book { return &book{Lender: l, lent: map[*entry]struct{}{}} }

// LendSource is the lender's, noted.
func (b *book) LendSource(ctx context.Context, src io.ReaderAt, ext transport.Extent) (transport.Loan, error) {
	return b.note(b.Lender.LendSource(ctx, src, ext))
}

// LendSink is the lender's, noted.
func (b *book) LendSink(ctx context.Context, dst io.WriterAt, ext transport.Extent) (transport.Loan, error) {
	return b.note(b.Lender.LendSink(ctx, dst, ext))
}

func (b *book) note(l transport.Loan, err error) (transport.Loan, error) {
	if err != nil {
		return nil, err
	}
	e := &entry{Loan: l, book: b}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lent[e] = struct{}{}
	return e, nil
}

// open returns what is lent.
func (b *book) open() []*entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	entries := make([]*entry, 0, len(b.lent))
	for e := range b.lent {
		entries = append(entries, e)
	}
	return entries
}

// entry is a loan in a book.
type entry struct {
	transport.Loan
	book *book
}

// Return gives the loan back, and strikes it out.
func (e *entry) Return() {
	e.book.mu.Lock()
	delete(e.book.lent, e)
	e.book.mu.Unlock()
	e.Loan.Return()
}

// Lost strikes the loan out: nothing can reach it any more.
func (e *entry) Lost() {
	e.book.mu.Lock()
	delete(e.book.lent, e)
	e.book.mu.Unlock()
	e.Loan.Lost()
}
