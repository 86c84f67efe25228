//go:build linux && cgo

package verbs

import (
	"debug/elf"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// noLibraryEnv makes TestWithoutLibrary, run in a process of its own, look for a library that isn't there.
const noLibraryEnv = "VERBS_TEST_NO_LIBRARY"

func TestLibraryIsNotLinked(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	f, err := elf.Open(exe)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	libs, err := f.ImportedLibraries()
	if err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(libs, func(l string) bool { return strings.Contains(l, "ibverbs") }) {
		t.Fatalf("the program needs libibverbs to start: %v", libs)
	}
}

func TestLoadFails(t *testing.T) {
	for file, reason := range map[string]string{
		"libnosuch.so.1": "libnosuch.so.1: cannot open shared object file",
		"libc.so.6":      "no symbol ibv_get_device_list of version IBVERBS_1.1",
	} {
		l := library{soname: file}
		err := l.load()
		if !errors.Is(err, ErrNoLibrary) || !strings.Contains(err.Error(), reason) || l.loaded {
			t.Errorf("%s gave %v", file, err)
		}
	}
}

func TestLoadRetries(t *testing.T) {
	l := library{soname: "libnosuch.so.1"}
	if l.load() == nil {
		t.Fatal("loaded a library that isn't there")
	}
	l.soname = soname // It was installed meanwhile.
	if err := l.load(); err != nil {
		t.Skip("this host has no libibverbs:", err)
	}
	if err := l.load(); err != nil || !l.loaded {
		t.Fatal("second load:", err)
	}
}

// TestWithoutLibrary starts this program as it would start on a host without libibverbs.
func TestWithoutLibrary(t *testing.T) {
	if os.Getenv(noLibraryEnv) != "" {
		lib.soname = "libnosuch.so.1"
		if _, err := Devices(); !errors.Is(err, ErrNoLibrary) || !strings.Contains(err.Error(), "libibverbs1") {
			t.Errorf("Devices gave %v", err)
		}
		if _, err := Open("rxe0"); !errors.Is(err, ErrNoLibrary) {
			t.Errorf("Open gave %v", err)
		}

		return
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestWithoutLibrary$", "-test.v")
	cmd.Env = append(os.Environ(), noLibraryEnv+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestWithoutLibrary") {
		t.Fatalf("%v\n%s", err, out)
	}
}

// TestDevicesAnywhere says what a host without RDMA says.
func TestDevicesAnywhere(t *testing.T) {
	infos, err := Devices()
	switch {
	case errors.Is(err, ErrNotSupported) || errors.Is(err, ErrNoLibrary):
		t.Log("no RDMA here:", err)
	case err != nil:
		t.Error(err)
	default:
		t.Logf("devices: %+v", infos)
	}
}
