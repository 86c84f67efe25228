package filter

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

func TestExcluded(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pattern string
		path    string // with a slash at the end: a directory
		want    bool
	}{
		{"*.o", "a.o", true},
		{"*.o", "d/e/a.o", true},
		{"*.o", "a.od", false},
		{"*.o", ".o", true},
		{"/a", "a", true},
		{"/a", "d/a", false},
		{"a/b", "a/b", true},
		{"a/b", "x/a/b", true},
		{"a/b", "xa/b", false},
		{"a/b", "b", false},
		{"/a/b", "a/b", true},
		{"/a/b", "x/a/b", false},
		{"d/", "d", false},
		{"d/", "d/", true},
		{"d/", "x/d/", true},
		{"/d/", "x/d/", false},
		{"a*b", "a/b", false},
		{"a**b", "a/b", true},
		{"a**b", "x/a/y/b", true},
		{"a**b", "xa/y/b", false},
		{"**/f", "f", true},
		{"**/f", "x/y/f", true},
		{"**f", "x/yf", true},
		{"/a/**", "a/", false},
		{"/a/**", "a/x/y", true},
		{"a/***", "a/", true},
		{"a/***", "a", false},
		{"a/***", "a/x", true},
		{"a/***", "x/a/y", true},
		{"a?b", "a/b", false},
		{"a?b", "axb", true},
		{"a?b", "aäb", false}, // bytes, as for rsync
		{"a[/]b", "a/b", false},
		{"[a-c]x", "bx", true},
		{"[!a-c]x", "bx", false},
		{"[^a-c]x", "dx", true},
		{"[]x]", "]", true},
		{"[!]]", "]", false},
		{"[a-]", "-", true},
		{`[\]]`, "]", true},
		{"[[:digit:][:upper:]]", "7", true},
		{"[[:digit:][:upper:]]", "a", false},
		{"[[x]", "[", true},
		{`\*`, "*", true},
		{`\*`, "a", false},
		{`a\b`, `a\b`, true}, // nothing wild: a backslash is one
		{`a\b*`, "abc", true},
		{`\\*`, `\x`, true},
		{"\xff", "\xff", true},
		{"\xff", "\xfe", false},
		{"*\xff", "a\xff", true},
		{"*\xff", "a\xfe", false},
		{"{a,b}", "a", false},
		{"{a,b}", "{a,b}", true},
		{"*", "new\nline", true},
		{"/", "a", false},
		{"*/", "d/", true},
		{"*/", "d", false},
		{"x", "", false},
		{strings.Repeat("a*", 100) + "b", strings.Repeat("a", 4000), false}, // in no time
		{strings.Repeat("**a", 100) + "b", strings.Repeat("/a", 2000), false},
	}
	for _, tt := range tests {
		s, err := Compile([]tree.Rule{{Pattern: tt.pattern}})
		if err != nil {
			t.Error(err)
			continue
		}
		path := strings.TrimSuffix(tt.path, "/")
		if got := s.Excluded(path, path != tt.path); got != tt.want {
			t.Errorf("%q excludes %q: %v", tt.pattern, tt.path, got)
		}
	}
}

func TestFirstRuleDecides(t *testing.T) {
	t.Parallel()
	s, err := Compile([]tree.Rule{{Pattern: "a*", Include: true}, {Pattern: "*b"}, {Pattern: "ab"}, {Pattern: "cb", Include: true}})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{"ab": false, "b": true, "cb": true, "c": false} {
		if got := s.Excluded(path, false); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
	if (*Set)(nil).Excluded("a", true) {
		t.Error("no rules exclude something")
	}
}

func TestCompileBad(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "[a", "[", "[]", "[!]", `*\`, `[\`, "x[a-", "[[:none:]]", "/d/[/"} {
		_, err := Compile([]tree.Rule{{Pattern: "fine"}, {Pattern: bad}})
		f, ok := fault.As(err)
		if !ok || f.Code != fault.Usage || f.Fix == "" || !strings.Contains(f.What, bad[:min(1, len(bad))]) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]bool{"a*": true, "*b": false, "[": false, "a.[ch]": true} {
		if got := Match(pattern, "a.c"); got != want {
			t.Errorf("%s: %v", pattern, got)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	got, err := Parse(strings.NewReader("# a comment\n; another\n\n- *.o\n+ /keep me/\nbare pattern\r\n-_x\n+  blank\n#not\n"), "rules")
	want := []tree.Rule{
		{Pattern: "*.o"},
		{Pattern: "/keep me/", Include: true},
		{Pattern: "bare pattern"},
		{Pattern: "x"},
		{Pattern: " blank", Include: true},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	for text, words := range map[string]string{
		"a\n: .rules\n":            `line 2: there are no ":" rules here`,
		"a\n\nmerge x":             `line 3: there are no "merge" rules here`,
		"-x":                       "line 1: there is no space behind the -",
		"+":                        "line 1: there is no space behind the +",
		"- ":                       "line 1: it is empty",
		"!":                        "line 1: rules cannot be dropped",
		"#\n- [a":                  "line 2: a [ in it is not closed",
		strings.Repeat("x", 1<<17): "line 1: the line is too long",
	} {
		_, err := Parse(strings.NewReader(text), "the/rules")
		f, ok := fault.As(err)
		if !ok || f.Code != fault.Usage || !strings.Contains(f.Error(), words) || !strings.Contains(f.What, "the/rules") || f.Fix == "" {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}

func FuzzCompile(f *testing.F) {
	f.Add("a/**/[!b-c]*.o", "a/x/d.o")
	f.Add("***", "/")
	f.Fuzz(func(t *testing.T, pattern, path string) {
		s, err := Compile([]tree.Rule{{Pattern: pattern}})
		if err != nil {
			if fault.CodeOf(err) != fault.Usage {
				t.Error(err)
			}
			return
		}
		s.Excluded(path, false)
		s.Excluded(path, true)
	})
}
