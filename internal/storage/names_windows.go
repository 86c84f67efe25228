package storage

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// devices are the names that are those of devices in every directory, whatever is put
// behind them with a dot.
var devices = []string{
	"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$",
	"COM0", "COM1", "COM2", "COM3", "COM4", "COM5", "COM6", "COM7", "COM8", "COM9", "COM¹", "COM²", "COM³",
	"LPT0", "LPT1", "LPT2", "LPT3", "LPT4", "LPT5", "LPT6", "LPT7", "LPT8", "LPT9", "LPT¹", "LPT²", "LPT³",
}

// holdable refuses what cannot be the name of a file here. Windows itself would take some of
// these for something else: a device, a stream of another file, a file in a directory, or
// a file with a shorter name.
func holdable(part string) error {
	const here = "the name cannot be one on Windows: "
	if !utf8.ValidString(part) {
		return errors.New(here + "it is not UTF-8")
	}
	for _, r := range part {
		if r < ' ' || strings.ContainsRune(`<>:"/\|?*`, r) {
			return fmt.Errorf(here+"it has %q in it", r)
		}
	}
	if last := part[len(part)-1]; last == '.' || last == ' ' {
		return fmt.Errorf(here+"it ends in %q", last)
	}
	stem, _, _ := strings.Cut(part, ".")
	if stem = strings.TrimRight(stem, " "); slices.Contains(devices, strings.ToUpper(stem)) {
		return errors.New(here + stem + " is a device")
	}
	return nil
}

// foldsNames says that names which differ in case only are one to the file system.
const foldsNames = true

// folded is what names that are one to the file system have in common.
func folded(leaf string) string { return strings.Map(unicode.ToUpper, leaf) }

// slashed is what a symbolic link says, as other systems have it.
func slashed(to string) string { return strings.ReplaceAll(to, `\`, "/") }
