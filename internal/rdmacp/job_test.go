package rdmacp

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// parsed reads a command line as far as to its plan.
func parsed(t *testing.T, line ...string) (j job, p plan, err error) {
	t.Helper()
	o := &options{}
	f := pflag.NewFlagSet("rdmacp", pflag.ContinueOnError)
	for _, g := range o.groups() {
		f.AddFlagSet(g.flags)
	}
	if err := f.Parse(line); err != nil {
		return j, p, flagFault(f, f, err)
	}
	if _, err := o.check(f); err != nil {
		return j, p, err
	}
	if j, err = newJob(copies, f.Args(), false); err != nil {
		return j, p, err
	}
	p = o.newPlan(copies, f, nil)
	j.name(false)
	return j, p, errors.Join(j.checkHosts(o.port), j.check(o, p))
}

func TestNaming(t *testing.T) {
	t.Parallel()
	tests := []struct {
		line string
		want tree.Naming
		many bool
	}{
		{"a h:/b", tree.Auto, false},
		{"a h:/b/", tree.Into, false},
		{"-r a h:/b", tree.Auto, false},
		{"-r a/ h:/b", tree.Contents, false},
		{"-r a/ h:/b/", tree.Contents, false},
		{"-r . h:/b", tree.Contents, false},
		{"-r ./ h:/b", tree.Contents, false},
		{"-r .. h:/b", tree.Contents, false},
		{"-r x/.. h:/b", tree.Contents, false},
		{"-r a b h:/c", tree.Into, true},
		{"-r a/ b h:/c", tree.Contents, true},
		{"h:/a b", tree.Auto, false},
		{"h:/a b/", tree.Into, false},
		{"h:/a .", tree.Into, false},
		{"-r h:/a/ b", tree.Contents, false},
		{"-r h:/a/. b", tree.Contents, false},
		{"-r h::e b", tree.Contents, false},
		{"-r h::e/ b", tree.Contents, false},
		{"-r h:/ b", tree.Contents, false},
		{"h:/a h:/b c", tree.Into, true},
		{"h:/a* c", tree.Auto, true},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			t.Parallel()
			j, _, err := parsed(t, strings.Fields(tt.line)...)
			if err != nil || j.naming != tt.want || j.several != tt.many {
				t.Errorf("naming %v, several %v, %v", j.naming, j.several, err)
			}
		})
	}
}

func TestTargets(t *testing.T) {
	t.Parallel()
	j, _, err := parsed(t, "-r", "h::e/a", "h:/b/", "h:/", "h::e", "h::e/", "c")
	if err != nil || j.direction != transport.Get {
		t.Fatal(j, err)
	}
	want := []client.Target{{Export: "e", Path: "a"}, {Path: "/b/"}, {Path: "/"}, {Export: "e"}, {Export: "e"}}
	for i, got := range j.targets("") {
		if got != want[i] {
			t.Errorf("target %+v, want %+v", got, want[i])
		}
	}
}

func TestPlan(t *testing.T) {
	t.Parallel()
	scp := tree.LandOptions{Perms: true, Times: true, IgnoreTimes: true, MaxDelete: -1}
	rsync := tree.LandOptions{Perms: true, Times: true, MaxDelete: -1}
	owned := rsync
	owned.Owner, owned.Group = true, true
	all := tree.WalkOptions{Recursive: true, Links: true, HardLinks: true, Devices: true, Specials: true, Owner: true, Group: true, Names: true}
	with := func(w tree.WalkOptions, f func(w *tree.WalkOptions)) tree.WalkOptions { f(&w); return w }
	land := func(l tree.LandOptions, f func(l *tree.LandOptions)) tree.LandOptions { f(&l); return l }
	tests := []struct {
		flags string
		walk  tree.WalkOptions
		land  tree.LandOptions
	}{
		{"", tree.WalkOptions{}, scp},
		{"-pt", tree.WalkOptions{}, scp},
		{"-r", tree.WalkOptions{Recursive: true}, rsync},
		{"-rlD", tree.WalkOptions{Recursive: true, Links: true, Devices: true, Specials: true}, rsync},
		{"-a", all, owned},
		{"-aL", with(all, func(w *tree.WalkOptions) { w.Links = false }), owned},
		{"--no-hard-links -a --no-devices", with(all, func(w *tree.WalkOptions) { w.HardLinks, w.Devices = false, false }), owned},
		{"-a --numeric-ids", with(all, func(w *tree.WalkOptions) { w.Names = false }), owned},
		{"-a --no-owner --no-group", with(all, func(w *tree.WalkOptions) { w.Owner, w.Group, w.Names = false, false, false }), rsync},
		{"-aXA", with(all, func(w *tree.WalkOptions) { w.Xattrs, w.ACLs = true, true }), land(owned, func(l *tree.LandOptions) { l.Xattrs, l.ACLs = true, true })},
		{"-ru", tree.WalkOptions{Recursive: true}, land(rsync, func(l *tree.LandOptions) { l.Update = true })},
		{"-rc", tree.WalkOptions{Recursive: true}, land(rsync, func(l *tree.LandOptions) { l.Checksum = true })},
		{"-aI", all, land(owned, func(l *tree.LandOptions) { l.IgnoreTimes = true })},
		{"-a --digest sha256", all, land(owned, func(l *tree.LandOptions) { l.Checksum, l.Digest = true, tree.SHA256 })},
		{"--manifest m", tree.WalkOptions{}, land(scp, func(l *tree.LandOptions) { l.Digest = tree.BLAKE3 })},
		{"-nc", tree.WalkOptions{}, land(rsync, func(l *tree.LandOptions) { l.Checksum, l.DryRun, l.Verify = true, true, true })},
		{"-a --delete --max-delete 0", all, land(owned, func(l *tree.LandOptions) { l.Delete, l.MaxDelete = true, 0 })},
		{
			"--exclude *.o --include /x --exclude *",
			tree.WalkOptions{Filter: []tree.Rule{{Pattern: "*.o"}, {Pattern: "/x", Include: true}, {Pattern: "*"}}},
			scp,
		},
	}
	for _, tt := range tests {
		t.Run(tt.flags, func(t *testing.T) {
			t.Parallel()
			_, p, err := parsed(t, append(strings.Fields(tt.flags), "a", "h:/b")...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.walk, p.walk); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.land, p.land); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestUsageErrors(t *testing.T) {
	t.Parallel()
	tests := []struct{ line, say string }{
		{"", "missing"},
		{"a", "one name only"},
		{"a b", "use cp"},
		{"a b c", "use cp"},
		{"h:/a h:/b", "two others"},
		{"h:/a b h:/c", "some on another"},
		{"h:/a i:/b c", "several hosts"},
		{"h:a b", "relative"},
		{"a h:b", "relative"},
		{"h:/ b", "add -r"},
		{"h:/a/.. b", "add -r"},
		{"h::e b", "add -r"},
		{"a/ h:/b", "add -r"},
		{"a - h:/b", "alone"},
		{"- a h:/b", "several"},
		{"-r - h:/b", "no tree"},
		{"- h:/b/", "needs a name"},
		{"- h::e", "needs a name"},
		{"h:/a h:/b -", "several"},
		{"h:/a* -", "several"},
		{"h:/a/ -", "directory"},
		{"--json h:/a -", "besides the file"},
		{"--digest sha256 h:/a -", "besides the file"},
		{"-n - h:/a", "copied only"},
		{"-u - h:/a", "no file to look at"},
		{"--delete a h:/b", "none are copied"},
		{"-a --max-delete 3 a h:/b", "--delete"},
		{"-a --delete --max-delete -3 a h:/b", "0 or more"},
		{"-n --manifest m a h:/b", "nothing is copied"},
		{"-n --digest sha256 a h:/b", "nothing is read"},
		{"-0 a h:/b", "--files-from"},
		{"-a --delete --files-from l a h:/b", "not listed"},
		{"--size-only -c a h:/b", "opposite"},
		{"--fail-fast --keep-going a h:/b", "opposite"},
		{"--no-verify --delta a h:/b", "need the digests"},
		{"--digest md5 a h:/b", "blake3 or sha256"},
		{"--bwlimit fast a h:/b", "bytes a second"},
		{"--bwlimit -1 a h:/b", "bytes a second"},
		{"--exclude [ a h:/b", "not closed"},
		{"--exclude= a h:/b", "empty"},
		{"--filter-from /nowhere/rules a h:/b", "no such file"},
		{"-z a h:/b", "compressed"},
		{"--relative a h:/b", "--files-from"},
		{"-P22 a h:/b", "--port=PORT"},
		{"--no-links=x a h:/b", "value"},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			t.Parallel()
			_, _, err := parsed(t, strings.Fields(tt.line)...)
			f, ok := fault.As(err)
			if !ok || f.Code != fault.Usage || f.Fix == "" {
				t.Fatalf("not a whole usage fault: %#v", err)
			}
			if text := f.Error() + " " + f.Fix; !strings.Contains(text, tt.say) {
				t.Errorf("%q does not say %q", text, tt.say)
			}
		})
	}
}

func TestBandwidth(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]int64{
		"": 0, "0": 0, "1": 1024, "1.5": 1536, "500K": 500 << 10, "1m": 1 << 20, "2MB": 2e6, "1.5GiB": 3 << 29,
	} {
		if got, err := bandwidth(s); err != nil || got != want {
			t.Errorf("bandwidth(%q) = %d, %v, want %d", s, got, err, want)
		}
	}
}

func TestSplitNames(t *testing.T) {
	t.Parallel()
	got, err := splitNames([]byte("a/b\r\n\n# no\n; no\n/c//d/\n./e\nlast"), false)
	if diff := cmp.Diff([]string{"a/b", "c/d", "e", "last"}, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	got, err = splitNames([]byte("#a\x00b\nc\x00"), true)
	if diff := cmp.Diff([]string{"#a", "b\nc"}, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if _, err := splitNames([]byte("a/../b"), false); err == nil {
		t.Error("a path with .. is taken")
	}
}
