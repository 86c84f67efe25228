package storage

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// What --update and --ignore-existing leave alone is neither replaced by a further
// name of a file nor given one.
func TestFurtherNames(t *testing.T) {
	t.Parallel()
	update := func(o *tree.LandOptions) { o.Update = true }
	ignore := func(o *tree.LandOptions) { o.IgnoreExisting = true }
	checking := func(o *tree.LandOptions) { o.IgnoreExisting, o.Checksum = true, true }
	for _, tt := range []struct {
		name          string
		opts          func(*tree.LandOptions)
		first, second string // what stands there: newer, older or equal
		answer        tree.Answer
		links         bool // they are names of one file in the end
	}{
		{"update", update, "newer", "", tree.Fail, false},
		{"update", update, "newer", "older", tree.Fail, false},
		{"update", update, "newer", "newer", tree.Skip, false},
		{"update", update, "", "newer", tree.Skip, false},
		{"update", update, "older", "newer", tree.Skip, false},
		{"update", update, "equal", "newer", tree.Skip, false},
		{"update", update, "older", "older", tree.Done, true},
		{"update", update, "equal", "", tree.Done, true},
		{"update", update, "equal", "older", tree.Done, true},
		{"ignore existing", ignore, "older", "", tree.Fail, false},
		{"ignore existing", ignore, "older", "newer", tree.Skip, false},
		{"ignore existing", ignore, "", "older", tree.Skip, false},
		{"ignore existing", ignore, "equal", "", tree.Done, true},
		{"ignore existing and checksum", checking, "equal", "", tree.Fail, false},
	} {
		for _, dry := range []bool{true, false} {
			o := archive()
			o.DryRun = dry
			tt.opts(&o)
			name := strings.Join([]string{tt.name, tt.first, tt.second}, ",")
			out, dir := furtherName(t, o, tt.first, tt.second)
			if v := out.verdicts["second"]; v.Answer != tt.answer {
				t.Errorf("%s: dry run %v: answer %d, want %d", name, dry, v.Answer, tt.answer)
			}
			if dry {
				continue
			}
			wantFirst, wantSecond := standing(tt.first), standing(tt.second)
			if tt.first == "" || tt.first == "older" && !o.IgnoreExisting {
				wantFirst = newText
			}
			if tt.links {
				wantSecond = wantFirst
			}
			want := map[string]string{"first": wantFirst}
			if wantSecond != "" {
				want["second"] = wantSecond
			}
			wantTree(t, dir, want)
			if one := sameFile(dir, "first", "second"); one != tt.links {
				t.Errorf("%s: they are names of one file: %v", name, one)
			}
			if f := out.verdicts["second"].Fault; f != nil {
				wantFault(t, f, fault.NotFound, "linking "+dir+"/second", dir+"/first", "was skipped", "--no-hard-links")
			}
			if t.Failed() {
				t.Fatal(name)
			}
		}
	}
}

// Where sizes decide, it is no matter that the first name gets another time.
func TestFurtherNameBySize(t *testing.T) {
	t.Parallel()
	o := archive()
	o.SizeOnly = true
	for _, second := range []string{"", "older"} {
		out, dir := furtherName(t, o, "same size", second)
		noFault(t, out)
		wantTree(t, dir, map[string]string{"first": standing("same size"), "second": standing("same size")})
		if !sameFile(dir, "first", "second") {
			t.Error("they are two files")
		}
	}
}

// furtherName copies a file of two names to where those things stand.
func furtherName(t *testing.T, o tree.LandOptions, first, second string) (*outcome, string) {
	t.Helper()
	dir := t.TempDir()
	for name, how := range map[string]string{"first": first, "second": second} {
		if how == "" {
			continue
		}
		path := filepath.Join(dir, name)
		write(t, path, standing(how))
		switch how {
		case "newer":
			chtimes(t, path, stamp.Add(time.Nanosecond))
		case "older", "same size":
			chtimes(t, path, stamp.Add(-time.Nanosecond))
		}
	}
	var ts trees
	ts.file("first", newText)
	ts.hardlink("second", "first")
	return ts.landAt(t, dir, tree.Into, o), dir
}

// standing is what stands there, which is equal as far as one can see from outside.
func standing(how string) string {
	switch how {
	case "":
		return ""
	case "equal", "same size":
		return strings.ToUpper(newText)
	}
	return oldText
}

func sameFile(dir, a, b string) bool {
	one, err := os.Lstat(filepath.Join(dir, a))
	other, otherErr := os.Lstat(filepath.Join(dir, b))
	return err == nil && otherErr == nil && os.SameFile(one, other)
}
