package rdmacp

import (
	"path/filepath"
	"runtime"
	"strings"
)

// onDrive reads a name as Windows has them, where that is what runs here.
func onDrive(arg string) (name string, ok bool) {
	if runtime.GOOS != "windows" {
		return "", false
	}
	return driveName(arg, filepath.Abs)
}

// driveName reports whether a name is one that only Windows has for a file of its own: it
// begins with a drive, C:\dir or C:dir, or has a backslash ahead of any ':'. As with scp
// there, no host has a name of one letter but in C::export. What comes back has slashes only,
// and no drive's current directory to be found: abs knows that.
func driveName(arg string, abs func(string) (string, error)) (name string, ok bool) {
	head, rest, colon := strings.Cut(arg, ":")
	drive := colon && len(head) == 1 && 'a' <= head[0]|0x20 && head[0]|0x20 <= 'z' && !strings.HasPrefix(rest, ":")
	if !drive && !strings.Contains(head, `\`) {
		return "", false
	}
	name = strings.ReplaceAll(arg, `\`, "/")
	if !drive || strings.HasPrefix(name[2:], "/") {
		return name, true
	}
	whole, err := abs(name)
	if err != nil {
		return name, true
	}
	slash := ""
	if isDir(name) {
		slash = "/"
	}
	return strings.TrimRight(strings.ReplaceAll(whole, `\`, "/"), "/") + slash, true
}

// expand returns the files that a name with * or ? in it stands for, which no shell does
// on Windows, and no file there has. Where there are none, it is the name itself that is
// not found.
func (l location) expand() []location {
	if runtime.GOOS != "windows" || l.remote != nil || !strings.ContainsAny(l.arg, "*?") {
		return []location{l}
	}
	names, err := filepath.Glob(l.arg)
	if err != nil || len(names) == 0 {
		return []location{l}
	}
	all := make([]location, 0, len(names))
	for _, name := range names {
		all = append(all, location{arg: filepath.ToSlash(name)})
	}
	return all
}
