package transfer

import (
	"context"

	"github.com/rdmacp/rdmacp/internal/tree"
)

// add takes the entries in, in their order, until the last.
func (s *sink) add(ctx context.Context) error {
	var paths tree.Paths
	for {
		pause(2)
		s.mu.Lock()
		batch := s.arrived
		s.arrived, s.busy = nil, len(batch)
		last := s.last
		s.rest()
		s.mu.Unlock()
		if len(batch) == 0 {
			if last {
				return nil
			}
			select {
			case <-s.wake:
			case <-ctx.Done():
				return ctx.Err()
			}
			continue
		}
		if err := s.addAll(ctx, batch, &paths); err != nil {
			return err
		}
	}
}

// addAll takes entries in.
func (s *sink) addAll(ctx context.Context, batch []tree.Entry, paths *tree.Paths) error {
	var wanted []*taken
	for _, e := range batch {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		path := paths.Of(e)
		v := s.tree.Add(ctx, e)
		v.ID = e.ID
		s.tally.count(func(r *Report) { r.Entries++ })
		if s.options.Events.Decided != nil {
			s.options.Events.Decided(path.String(), e, v)
		}
		switch v.Answer {
		case tree.Want:
			v.Ranges = tree.Coalesce(v.Ranges, MaxRanges)
			wanted = append(wanted, s.take(e, path, v))
		case tree.Fail:
			s.failed(path.String(), v.Fault)
		case tree.Done, tree.Skip:
		}
		s.out.add(func(b *Batch) { b.Verdicts = append(b.Verdicts, v) })
	}
	if s.wanted != nil && len(wanted) > 0 {
		s.wanted(wanted)
	}
	return nil
}

// take notes a file that is wanted.
func (s *sink) take(e tree.Entry, path tree.Path, v tree.Verdict) *taken {
	t := &taken{entry: e, path: path, verdict: v, left: e.Meta.Size}
	if !t.whole(v.Ranges...) {
		wanted := tree.RangesOf(v.Ranges)
		t.left = wanted.Bytes()
		t.there = *tree.RangesOf(wanted.Without([]tree.Range{{Len: max(e.Meta.Size, 0)}})) // the rest is not asked for
	}
	s.tally.count(func(r *Report) { r.Resumed += v.Resumed })
	s.mu.Lock()
	s.files[e.ID] = t
	s.mu.Unlock()
	return t
}
