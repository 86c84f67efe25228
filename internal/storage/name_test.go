package storage

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rdmacp/rdmacp/internal/fault"
)

func TestValidName(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", maxComponent)
	good := []string{
		"a", "a/b/c", "...", "..a", ".a", "a..", "a b", "a\nb", "\xff\xfe", `a\..\b`, "-", "~",
		long, long + "/" + long,
		strings.Repeat("a/", maxName/2-1) + "ab",
	}
	for _, name := range good {
		if err := ValidName(name); err != nil {
			t.Errorf("%q: %v", clip(name), err)
		}
	}
	bad := map[string]string{
		"": "empty", "/": "absolute", "/etc/passwd": "absolute", "a\x00b": "NUL",
		".": "component", "..": "component", "../a": "component", "a/../b": "component",
		"a/..": "component", "./a": "component", "a/./b": "component",
		"a/": "empty component", "a//b": "empty component",
		long + "a": "256 bytes", "b/" + long + "a": "256 bytes",
		strings.Repeat("a/", maxName/2) + "a": "4097 bytes",
	}
	for name, word := range bad {
		wantFault(t, ValidName(name), fault.Usage, word)
	}
}

// What ValidName lets pass names something below the directory, whatever os.Root
// would make of the rest.
func FuzzValidName(f *testing.F) {
	for _, seed := range []string{"a", "a/b", "../a", "a//b", "/a", ".", "a/.", "\x00", "a\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		err := ValidName(name)
		if err != nil {
			wantFault(t, err, fault.Usage)
			if !utf8.ValidString(err.Error()) {
				t.Errorf("the message is not UTF-8: %q", err.Error())
			}
			return
		}
		depth := 0
		for part := range strings.SplitSeq(name, "/") {
			if part == "" || part == "." || part == ".." || strings.Contains(part, "\x00") || len(part) > maxComponent {
				t.Fatalf("%q passes", name)
			}
			depth++
		}
		if depth == 0 || len(name) > maxName || name[0] == '/' {
			t.Fatalf("%q passes", name)
		}
	})
}

func FuzzPartialName(f *testing.F) {
	for _, seed := range []string{"a", strings.Repeat("a", 239), strings.Repeat("a", 240), strings.Repeat("\u00e4", 127), strings.Repeat("\xff", 255)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, leaf string) {
		if checkName(leaf) != nil || strings.Contains(leaf, "/") {
			return // no name of a file
		}
		got := partialName(leaf)
		if len(got) > maxComponent || strings.ContainsAny(got, "/\x00") {
			t.Errorf("%q for %q", got, leaf)
		}
		if checkName(got) == nil {
			t.Errorf("%q, for %q, can be copied to by its name", got, leaf)
		}
		if utf8.ValidString(leaf) && !utf8.ValidString(got) {
			t.Errorf("%q for %q is not UTF-8 any more", got, leaf)
		}
	})
}

func TestPartialName(t *testing.T) {
	t.Parallel()
	if got, want := partialName("x.dat"), ".x.dat.rdmacp-partial"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	// The longest that fits, and the first that does not.
	fits := strings.Repeat("n", maxComponent-len(".")-len(partialSuffix))
	if got, want := partialName(fits), "."+fits+partialSuffix; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	a, b := partialName(fits+"a"), partialName(fits+"b")
	if a == b || len(a) != maxComponent || len(b) != maxComponent {
		t.Errorf("%q and %q (%d bytes) must differ and be as long as can be", a, b, len(a))
	}
}

func TestShown(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/data/x y":        "/data/x y",
		"/daten/\u00e4":    "/daten/\u00e4",
		"a\nb":             `a\nb`,
		"a\x1b[2Jb":        `a\x1b[2Jb`,
		"a\u009b2Jb":       `a\u009b2Jb`,
		"a\xffb":           `a\xffb`,
		"a\u202eb":         `a\u202eb`,
		"\ufffd":           "\ufffd",
		`quote " and \`:    `quote " and \`,
		"both \" and \x07": `both \" and \a`,
	} {
		if got := shown(path); got != want {
			t.Errorf("%q: got %q, want %q", path, got, want)
		}
	}
}
