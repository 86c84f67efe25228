package storage

import (
	"errors"
	"fmt"
	"strings"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// The longest that a name and one component of it may be, in bytes, as Linux
// has them.
const (
	maxName      = 4096
	maxComponent = 255
)

// ValidName checks a file's name below a Dir: components joined by single
// slashes, as a peer sends it. It refuses an empty or absolute name, "." and
// ".." and empty components (and so a slash at either end), NUL, the names of
// copies that are not complete, and lengths
// beyond 255 bytes for a component and 4096 for the whole. Other bytes may be
// anything: a name need not be UTF-8.
//
// It returns a fault with code Usage, and is the first of two walls: a name that
// passes is still resolved beneath the Dir.
func ValidName(name string) error {
	if err := checkName(name); err != nil {
		return fault.New(fault.Usage, "checking the name "+shown(clip(name)), err,
			"name the file by its path below the directory, without . and .. in it")
	}
	return nil
}

func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("the name is empty")
	case len(name) > maxName:
		return fmt.Errorf("the name is %d bytes long; at most %d are allowed", len(name), maxName)
	case strings.HasPrefix(name, "/"):
		return errors.New("the name is absolute")
	case strings.ContainsRune(name, 0):
		return errors.New("the name has a NUL byte in it")
	}
	for part := range strings.SplitSeq(name, "/") {
		switch {
		case part == "":
			return errors.New("the name has an empty component")
		case part == "." || part == "..":
			return fmt.Errorf("the name has %s as a component", part)
		case isPartialName(part):
			return errOurs
		case len(part) > maxComponent:
			return fmt.Errorf("a component of the name is %d bytes long; at most %d are allowed", len(part), maxComponent)
		}
		if err := holdable(part); err != nil {
			return err
		}
	}
	return nil
}

// clip shortens a name that is refused, for the message: a hostile peer's names
// shall not fill our logs.
func clip(name string) string {
	if len(name) <= maxComponent {
		return name
	}
	return name[:maxComponent] + "..."
}
