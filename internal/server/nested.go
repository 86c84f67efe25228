package server

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// checkNested refuses an export that lies in another one by which clients could do with
// it what it does not let them do: what an export holds, it holds down to the leaves.
func (es exports) checkNested() error {
	real := make([]string, len(es))
	for i, e := range es {
		path, err := filepath.EvalSymlinks(e.Path)
		if err != nil {
			return fmt.Errorf("export %q: %w", e.Name, err)
		}
		real[i] = path
	}
	for i, inner := range es {
		for k, outer := range es {
			if _, in := beneath(real[i], real[k]); real[i] == real[k] || !in || outer.within(inner) {
				continue
			}
			return fault.New(fault.Usage, "opening the exports",
				fmt.Errorf("%q lies in %q, by which clients could do with it what it does not let them do", inner.Name, outer.Name),
				fmt.Sprintf("let %q do no more than %q (read-only, read, write), or move one of the two", outer.Name, inner.Name))
		}
	}
	return nil
}

// within reports whether whatever e lets clients do, other lets them do, too.
func (e *export) within(other *export) bool {
	switch {
	case other.ReadOnly && !e.ReadOnly:
		return false
	case other.empty():
		return true
	case e.empty():
		return false
	}
	return among(e.Read, slices.Concat(other.Read, other.Write)) && among(e.Write, other.Write)
}

// among reports whether each pattern of a list is one of the others.
func among(patterns, others []string) bool {
	return !slices.ContainsFunc(patterns, func(p string) bool { return !slices.Contains(others, p) })
}
