//go:build linux

package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// oddTree makes a tree of everything that a file system allows and few think of,
// on the host that the tests run on. It has to be root's.
func oddTree(t *testing.T, top string) {
	t.Helper()
	for _, err := range []error{
		os.MkdirAll(top, 0o755), oddNames(top), oddLinks(top), oddModes(top), oddTimes(top), oddHoles(top), deep(top, 200),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = os.RemoveAll(top) })
}

// put makes a file.
func put(path, content string) error { return os.WriteFile(path, []byte(content), 0o644) } //nolint:gosec // a test's

func oddNames(top string) error {
	dir := filepath.Join(top, "names")
	errs := []error{os.Mkdir(dir, 0o755)}
	for i, name := range []string{
		"new\nline", "tab\t", `quo"te's`, `back\slash`, "-n", "--delete", " space ", "a:b", "host:x", "*", "?[a]", "~", "#x", "ümläut", "\xff\xfe invalid",
		strings.Repeat("n", 255), strings.Repeat("ä", 127), "...", ".hidden", "$(id)", "%s", "\x01\x1b[31m",
	} {
		errs = append(errs, put(filepath.Join(dir, name), fmt.Sprint(i)))
		sub := filepath.Join(dir, "dir "+name)
		if len(name) < 250 {
			errs = append(errs, os.Mkdir(sub, 0o755), put(filepath.Join(sub, name), name))
		}
	}
	return errors.Join(errs...)
}

func oddLinks(top string) error {
	dir := filepath.Join(top, "links")
	at := func(name string) string { return filepath.Join(dir, name) }
	return errors.Join(
		os.Mkdir(dir, 0o755), os.Mkdir(at("sub"), 0o755), put(at("first"), "linked"),
		os.Link(at("first"), at("second")), os.Link(at("first"), at("sub/third")),
		put(at("sub/a"), "other"), os.Link(at("sub/a"), at("b")),
		os.Symlink("first", at("to-file")), os.Symlink("sub", at("to-dir")), os.Symlink("nowhere", at("dangling")),
		os.Symlink("circle-b", at("circle-a")), os.Symlink("circle-a", at("circle-b")), os.Symlink(".", at("self")),
		os.Symlink("/etc/passwd", at("absolute")), os.Symlink("../../../../etc", at("out")),
		os.Symlink(strings.Repeat("x", 4000), at("long")),
		syscall.Mkfifo(at("fifo"), 0o640), syscall.Mknod(at("null"), syscall.S_IFCHR|0o666, 1<<8|3), syscall.Mknod(at("block"), syscall.S_IFBLK|0o600, 7<<8),
	)
}

func oddModes(top string) error {
	dir := filepath.Join(top, "modes")
	errs := []error{os.Mkdir(dir, 0o755)}
	for _, mode := range []uint32{0, 0o200, 0o400, 0o777, 0o4755, 0o2755, 0o1644, 0o6711} {
		path := filepath.Join(dir, fmt.Sprintf("file-%o", mode))
		sub := filepath.Join(dir, fmt.Sprintf("dir-%o", mode))
		errs = append(errs, put(path, "x"), os.Lchown(path, int(mode), 1234), syscall.Chmod(path, mode),
			os.Mkdir(sub, 0o755), put(filepath.Join(sub, "in"), "y"), os.Lchown(sub, 1, 54321), syscall.Chmod(sub, mode))
	}
	return errors.Join(append(errs, os.Mkdir(filepath.Join(dir, "empty"), 0o700))...)
}

func oddTimes(top string) error {
	dir := filepath.Join(top, "times")
	errs := []error{os.Mkdir(dir, 0o755)}
	for i, at := range []time.Time{
		time.Unix(0, 0), time.Unix(0, 1), time.Unix(-1, 999999999), time.Date(1950, 1, 2, 3, 4, 5, 6, time.UTC),
		time.Date(2037, 12, 31, 23, 59, 59, 123456789, time.UTC), time.Date(2200, 1, 1, 0, 0, 0, 5, time.UTC),
	} {
		path := filepath.Join(dir, fmt.Sprint(i))
		errs = append(errs, put(path, "x"), os.Chtimes(path, at, at))
		errs = append(errs, os.Mkdir(path+".dir", 0o755), put(path+".dir/in", ""), os.Chtimes(path+".dir", at, at))
	}
	return errors.Join(errs...)
}

func oddHoles(top string) error {
	dir := filepath.Join(top, "holes")
	errs := []error{os.Mkdir(dir, 0o755), put(filepath.Join(dir, "empty"), "")}
	for name, size := range map[string]int64{"whole": 1 << 20, "tera": 1 << 40, "mega": 8 << 20} {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		errs = append(errs, f.Truncate(size))
		if name != "whole" {
			_, err := f.WriteAt([]byte("data"), size/2-1)
			errs = append(errs, err)
		}
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// deep makes directories in one another.
func deep(top string, depth int) error {
	back, err := os.Getwd()
	if err != nil {
		return err
	}
	defer func() { _ = os.Chdir(back) }()
	if err := os.Chdir(top); err != nil {
		return err
	}
	for i := range depth {
		name := fmt.Sprintf("%03d-deeper", i)
		if err := errors.Join(os.Mkdir(name, 0o755), put("f", name), os.Chdir(name)); err != nil {
			return err
		}
	}
	return nil
}
