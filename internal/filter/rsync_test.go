package filter

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// The rules mean what they mean to rsync: both list the same of random trees.
func TestLikeRsync(t *testing.T) {
	t.Parallel()
	rsync, err := exec.LookPath("rsync")
	if err != nil {
		t.Fatal("there is no rsync to compare with, which hack/deps vm installs: ", err)
	}
	rounds := 60
	if testing.Short() {
		rounds = 10
	}
	const seed = 7
	r := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // the same each time
	for round := range rounds {
		dir := randomTree(t, r)
		rules := randomRules(r)
		set, err := Compile(rules)
		if err != nil {
			t.Fatal(err)
		}
		args := []string{"-n", "-r", "--8-bit-output", "--out-format=%n"}
		for _, rule := range rules {
			sign := "- "
			if rule.Include {
				sign = "+ "
			}
			args = append(args, "--filter="+sign+rule.Pattern)
		}
		out, err := exec.CommandContext(t.Context(), rsync, append(args, dir+"/", filepath.Join(t.TempDir(), "none"))...).Output()
		if err != nil {
			t.Fatalf("%v: %v", rules, err)
		}
		var want []string
		for line := range strings.Lines(string(out)) {
			name := strings.TrimSuffix(line, "\n")
			if name != "./" && !strings.HasPrefix(name, "created directory") {
				want = append(want, name)
			}
		}
		slices.Sort(want)
		if diff := cmp.Diff(want, listed(t, dir, set)); diff != "" {
			t.Fatalf("round %d of seed %d, rules %+v (-rsync +ours):\n%s", round, seed, rules, diff)
		}
	}
}

// listed is what is left of the tree.
func listed(t *testing.T, dir string, set *Set) []string {
	t.Helper()
	var paths []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		rel, relErr := filepath.Rel(dir, path)
		if err = errors.Join(err, relErr); err != nil || rel == "." {
			return err
		}
		if set.Excluded(rel, d.IsDir()) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if d.IsDir() {
			rel += "/"
		}
		paths = append(paths, rel)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(paths)
	return paths
}

// The names are few and alike, so that many rules match many paths.
var leaves = []string{"a", "b", "ab", "aab", "a.o", "b.o", "-", "[a]", "x*", `a\b`, "A", "7", "\xc3\xa4", "a b"}

func randomTree(t *testing.T, r *rand.Rand) string {
	t.Helper()
	root := t.TempDir()
	dirs := []string{root}
	for range 40 {
		path := filepath.Join(dirs[r.IntN(len(dirs))], leaves[r.IntN(len(leaves))])
		if _, err := os.Lstat(path); err == nil {
			continue
		}
		var err error
		if r.IntN(2) == 0 {
			err = os.Mkdir(path, 0o755)
			dirs = append(dirs, path)
		} else {
			err = os.WriteFile(path, nil, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

var pieces = []string{
	"a", "b", "a", "b", "/", "/", "*", "*", "**", "***", "?", "[ab]", "[!a]", "[^ab]", "[a-c]", "[]a]", "[[:alpha:]]", "[[:digit:]]",
	".o", `\*`, `\a`, `\[`, "-", " ", "\xc3", "A",
}

func randomRules(r *rand.Rand) []tree.Rule {
	var rules []tree.Rule
	for range 1 + r.IntN(4) {
		var pattern strings.Builder
		for range 1 + r.IntN(5) {
			pattern.WriteString(pieces[r.IntN(len(pieces))])
		}
		rule := tree.Rule{Pattern: pattern.String(), Include: r.IntN(3) == 0}
		if _, err := Compile([]tree.Rule{rule}); fault.CodeOf(err) == fault.OK {
			rules = append(rules, rule)
		}
	}
	return rules
}
