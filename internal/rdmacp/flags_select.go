package rdmacp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/filter"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// selection is the flags that say what of the sources is copied.
type selection struct {
	recursive bool
	archive   bool
	rules     []tree.Rule // of --exclude, --include and --filter-from, in their order
	filesFrom string
	fromZero  bool
}

// addTrees defines the flags that choose between a file and a tree.
func (s *selection) addTrees(f *pflag.FlagSet) {
	f.BoolVarP(&s.recursive, "recursive", "r", false, "copy directories with all that is in them; symbolic links are followed, as scp does")
	f.BoolVarP(&s.archive, "archive", "a", false, "as rsync -aH: -r, links as links, hard links, owner, group, devices and specials")
}

// addFilters defines the flags that leave things out.
func (s *selection) addFilters(f *pflag.FlagSet) {
	f.Var(&ruleFlag{&s.rules, false}, "exclude", "leave out what matches `pattern`; the first rule that matches decides, as rsync has it")
	f.Var(&ruleFlag{&s.rules, true}, "include", "do not leave out what matches `pattern`, whatever later rules say")
	f.Var(&ruleFile{&s.rules}, "filter-from", "read rules from `file`, one a line: \"+ PATTERN\", \"- PATTERN\", or a pattern to leave out")
	f.StringVar(&s.filesFrom, "files-from", "", "copy only the paths that `file` lists, below the one source; - is standard input")
	f.BoolVarP(&s.fromZero, "from0", "0", false, "the paths of --files-from end in zero bytes, not in newlines")
}

// ruleFlag is --exclude or --include: both add to the same rules, since their order
// on the command line decides.
type ruleFlag struct {
	rules   *[]tree.Rule
	include bool
}

// Set is pflag's.
func (r *ruleFlag) Set(pattern string) error {
	rule := tree.Rule{Pattern: pattern, Include: r.include}
	if _, err := filter.Compile([]tree.Rule{rule}); err != nil {
		return err
	}
	*r.rules = append(*r.rules, rule)
	return nil
}

// String is pflag's.
func (r *ruleFlag) String() string { return "" }

// Type is pflag's.
func (r *ruleFlag) Type() string { return "pattern" }

// ruleFile is --filter-from.
type ruleFile struct{ rules *[]tree.Rule }

// Set is pflag's.
func (r *ruleFile) Set(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return fault.New(fault.Usage, "reading rules from "+name, bare(err), "see that the file exists and can be read")
	}
	defer func() { _ = f.Close() }() // nothing was written to it
	rules, err := filter.Parse(f, name)
	if err == nil {
		*r.rules = append(*r.rules, rules...)
	}
	return err
}

// String is pflag's.
func (r *ruleFile) String() string { return "" }

// Type is pflag's.
func (r *ruleFile) Type() string { return "file" }

// bare is an error of the file system without the name that is said anyway.
func bare(err error) error {
	if p, ok := errors.AsType[*os.PathError](err); ok {
		return p.Err
	}
	return err
}

// files reads the list of --files-from; nil if there is none.
func (s *selection) files(ctx context.Context, stdin io.Reader) ([]string, error) {
	if s.filesFrom == "" {
		return nil, nil
	}
	what := "reading names from " + s.filesFrom
	in := stdin
	if s.filesFrom != "-" {
		f, err := os.Open(s.filesFrom)
		if err != nil {
			return nil, fault.New(fault.Usage, what, bare(err), "see that the file exists and can be read")
		}
		defer func() { _ = f.Close() }() // nothing was written to it
		in = f
	}
	// Whoever writes the list may take as long as he likes.
	text, err := await(ctx, 0, func() ([]byte, error) { return io.ReadAll(in) })
	if _, left := fault.As(err); left {
		return nil, err
	}
	if err != nil {
		return nil, fault.New(fault.IO, what, bare(err), "see whether the file can be read")
	}
	files, err := splitNames(text, s.fromZero)
	if err == nil && len(files) == 0 {
		err = errors.New("it names nothing")
	}
	if err != nil {
		return nil, fault.New(fault.Usage, what, err, "list paths below the source, without .. in them, one a line; --from0 takes zero bytes in the place of newlines")
	}
	return files, nil
}

// splitNames cuts a list into paths, as rsync does: in lines, those that are empty
// or begin with # or ; mean nothing.
func splitNames(text []byte, zero bool) ([]string, error) {
	end := byte('\n')
	if zero {
		end = 0
	}
	files := []string{}
	for name := range bytes.SplitSeq(text, []byte{end}) {
		if !zero {
			name = bytes.TrimSuffix(name, []byte{'\r'})
		}
		if len(name) == 0 || !zero && (name[0] == '#' || name[0] == ';') {
			continue
		}
		clean, err := cleanName(string(name))
		if err != nil {
			return nil, err
		}
		if clean != "" {
			files = append(files, clean)
		}
	}
	return files, nil
}

// cleanName is a listed path without slashes at its ends and doubled ones, and
// without dots that mean nothing.
func cleanName(name string) (string, error) {
	var parts []string
	for part := range strings.SplitSeq(name, "/") {
		switch part {
		case "", ".":
		case "..":
			return "", errors.New("there is .. in a path")
		default:
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "/"), nil
}
