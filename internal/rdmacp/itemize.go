package rdmacp

import (
	"strings"

	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// deleting stands in the place of the letters of what is removed.
const deleting = "*deleting  "

// letters are what is, or would be, changed of an entry in rsync's way:
// YXcstpoguax. Y is < for a file that is sent, > for one that is received, c for
// what is made, h for a hard link and a dot for what gets attributes only; X is
// the kind; a letter for each of the changes follows, or a + for all if the entry
// is new.
func letters(d transport.Direction, e tree.Entry, v tree.Verdict, compared bool) string {
	b := []byte("...........")
	b[0] = verb(d, e, v)
	b[1] = kindLetter(e.Kind)
	if v.Change&(tree.New|tree.Kinds) != 0 {
		copy(b[2:], "+++++++++")
		return string(b)
	}
	for i, l := range []struct {
		letter  byte
		changed bool
	}{
		{'c', v.Change&tree.Content != 0 && (compared || e.Kind != tree.File)},
		{'s', v.Change&tree.Size != 0 && e.Kind == tree.File},
		{'t', v.Change&tree.Time != 0},
		{'p', v.Change&tree.Mode != 0},
		{'o', v.Change&tree.Owners != 0},
		{'g', v.Change&tree.Groups != 0},
		{'.', false}, // u: the time of the last access, which is not kept
		{'a', v.Change&tree.ACL != 0},
		{'x', v.Change&tree.Attrs != 0},
	} {
		if l.changed {
			b[2+i] = l.letter
		}
	}
	if b[0] != '.' && e.Kind == tree.Hardlink && strings.Trim(string(b[2:]), ".") == "" {
		copy(b[2:], "         ")
	}
	return string(b)
}

// verb is the first of the letters.
func verb(d transport.Direction, e tree.Entry, v tree.Verdict) byte {
	made := v.Change&(tree.New|tree.Kinds|tree.Content) != 0
	switch e.Kind {
	case tree.File:
		switch {
		case v.Answer != tree.Want && v.Change&(tree.New|tree.Kinds|tree.Content|tree.Size) == 0:
			return '.'
		case d == transport.Put:
			return '<'
		}
		return '>'
	case tree.Hardlink:
		if made {
			return 'h'
		}
	case tree.Dir, tree.Symlink, tree.FIFO, tree.Socket, tree.CharDevice, tree.BlockDevice:
		if made {
			return 'c'
		}
	}
	return '.'
}

// kindLetter is the second of the letters.
func kindLetter(k tree.Kind) byte {
	switch k {
	case tree.Dir:
		return 'd'
	case tree.Symlink:
		return 'L'
	case tree.FIFO, tree.Socket:
		return 'S'
	case tree.CharDevice, tree.BlockDevice:
		return 'D'
	case tree.File, tree.Hardlink:
	}
	return 'f'
}

// listed is an entry's path as the list has it: a slash behind a directory, and
// where a link leads. First is the path of the file that a hard link is one more
// name of.
func listed(path string, e tree.Entry, first string) string {
	path = console.Escape(path)
	switch e.Kind {
	case tree.Dir:
		return path + "/"
	case tree.Symlink:
		return path + " -> " + console.Escape(e.Link)
	case tree.Hardlink:
		if first != "" {
			return path + " => " + console.Escape(first)
		}
	case tree.File, tree.FIFO, tree.Socket, tree.CharDevice, tree.BlockDevice:
	}
	return path
}
