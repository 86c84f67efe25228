package tree

import "fmt"

// How deep a tree may be that is copied, and how long a path in it, from where the copy
// lands on. The kernel takes no path of more than 4 KiB, so that hardly any program
// makes trees like that; to walk them takes time and memory that grows with the square
// of the depth, at either end.
const (
	MaxDepth = 1024     // components of a path
	MaxPath  = 64 << 10 // bytes of a path
)

// PathLen is how long the path of something is in a directory whose own has dir bytes.
func PathLen(dir int, leaf string) int {
	if dir == 0 {
		return len(leaf)
	}
	return dir + 1 + len(leaf)
}

// CheckDepth says why something is not copied whose path has that many components and
// bytes; nil if it is.
func CheckDepth(components, bytes int) error {
	switch {
	case components > MaxDepth:
		return fmt.Errorf("it lies deeper in the tree than %d directories, and no copy goes there", MaxDepth-1)
	case bytes > MaxPath:
		return fmt.Errorf("its path in the tree is longer than %d KiB, and no copy goes there", MaxPath>>10)
	}
	return nil
}

// DepthFix is what to do about it.
const DepthFix = "copy the directories below separately, or leave it out"
