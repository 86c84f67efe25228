package rdmacp

import "testing"

// Names with a drive or a backslash are files of a Windows host's own; the others are what they
// are elsewhere.
func TestDriveName(t *testing.T) {
	t.Parallel()
	abs := func(name string) (string, error) { return `D:\now\` + name[2:], nil }
	for arg, want := range map[string]string{
		`C:\dir\file`: "C:/dir/file", `C:/dir/file`: "C:/dir/file", `c:\`: "c:/", `C:\dir\`: "C:/dir/",
		`D:file`: "D:/now/file", `D:dir\`: "D:/now/dir/", `dir\file`: "dir/file", `.\a:b`: "./a:b",
		`\\server\share\x`: "//server/share/x", `\\?\C:\x`: "//?/C:/x",
	} {
		if got, ok := driveName(arg, abs); !ok || got != want {
			t.Errorf("%s: %s, %v", arg, got, ok)
		}
	}
	for _, arg := range []string{
		"gpu7:/x", `gpu7:/x\y`, `gpu7::data/x\y`, "c::data/x", "[::1]:/x", "rdma://c:7471/x", "dir/file", "-", ".", "", "1:/x", "é:/x",
	} {
		if got, ok := driveName(arg, abs); ok {
			t.Errorf("%s: %s", arg, got)
		}
	}
}
