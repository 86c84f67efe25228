package verbs

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
)

// kind names the objects that have a lifetime.
type kind int

const (
	kindContext kind = iota
	kindPD
	kindMR
	kindCompChannel
	kindCQ
	kindQP
	numKinds
)

var kinds = []string{"Context", "PD", "MR", "CompChannel", "CQ", "QP"}

func (k kind) String() string { return name(kinds, "kind", int(k)) }

// census counts objects by kind.
type census [numKinds]atomic.Int64

// String lists the kinds that are not at zero, such as "2 MR, 1 QP".
func (c *census) String() string {
	var parts []string
	for k := range numKinds {
		if n := c[k].Load(); n != 0 {
			parts = append(parts, fmt.Sprintf("%d %v", n, k))
		}
	}

	return strings.Join(parts, ", ")
}

// live counts the open objects of the process, for the tests' leak check.
var live census

// object is the lifetime of a handle: it is open from its birth to its Close, and counts its children meanwhile.
//
// The lock is what makes a concurrent Close safe. Every use of the C pointer holds it shared and Close holds it
// exclusively, so a call either finds the object closed or finishes first. A shared lock and unlock cost two atomic
// adds, some 10 ns beside the 40 ns of the cgo call itself; an own reference count would need the same two adds.
// It is shared, not exclusive, so that a sender and a receiver goroutine don't wait for each other.
type object struct {
	kind     kind
	mu       sync.RWMutex
	closed   bool // guarded by mu
	children census
	parents  []*object
}

// born completes an object whose parents were each held for it.
func (o *object) born(k kind, parents ...*object) {
	o.kind, o.parents = k, parents
	live[k].Add(1)
}

// enter keeps the object open until leave.
func (o *object) enter(op string) error {
	o.mu.RLock()
	if o.closed {
		o.mu.RUnlock()
		return closedError(op)
	}

	return nil
}

func (o *object) leave() { o.mu.RUnlock() }

// hold counts a child that is about to be made. From then on Close says ErrBusy, so the C pointer stays valid.
func (o *object) hold(op string, child kind) error {
	if err := o.enter(op); err != nil {
		return err
	}
	defer o.leave()
	o.children[child].Add(1)

	return nil
}

// drop undoes a hold.
func (o *object) drop(child kind) { o.children[child].Add(-1) }

func dropAll(parents []*object, child kind) {
	for _, p := range parents {
		p.drop(child)
	}
}

// close runs destroy once. It fails, and leaves the object open, while children are open or if destroy fails.
func (o *object) close(op string, destroy func() error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return nil
	}
	if open := o.children.String(); open != "" {
		return fmt.Errorf("verbs: %s: %w: %s", op, ErrBusy, open)
	}
	if err := destroy(); err != nil {
		return err
	}
	o.closed = true
	dropAll(o.parents, o.kind)
	live[o.kind].Add(-1)

	return nil
}
