package filter

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// Parse reads rules from a file, one a line: "- PATTERN" excludes, "+ PATTERN"
// includes, and a pattern alone excludes. Empty lines and those that begin with #
// or ; mean nothing. Name is the file's, for messages. Rules of rsync's that we do
// not have are faults of code Usage.
func Parse(r io.Reader, name string) ([]tree.Rule, error) {
	var rules []tree.Rule
	lines := bufio.NewScanner(r)
	n := 0
	for lines.Scan() {
		n++
		line := strings.TrimSuffix(lines.Text(), "\r")
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		rule, err := parseLine(line)
		if err == nil {
			_, err = compile(rule)
		}
		if err != nil {
			return nil, wrong(name, n, err)
		}
		rules = append(rules, rule)
	}
	err := lines.Err()
	if errors.Is(err, bufio.ErrTooLong) {
		return nil, wrong(name, n+1, errors.New("the line is too long"))
	}
	if err != nil {
		return nil, fault.New(fault.IO, "reading rules from "+shown(name), err, "see whether the file can be read")
	}
	return rules, nil
}

func wrong(name string, line int, err error) error {
	return fault.New(fault.Usage, fmt.Sprintf("reading rules from %s, line %d", shown(name), line), err,
		`write one rule a line: "+ PATTERN", "- PATTERN" or a pattern to exclude`)
}

// foreign are rsync's rules that we do not have, by what they begin with.
var foreign = []string{
	". ", ": ", "H ", "S ", "P ", "R ", "merge ", "dir-merge ", "hide ", "show ", "protect ", "risk ",
}

func parseLine(line string) (tree.Rule, error) {
	for _, f := range foreign {
		if strings.HasPrefix(line, f) {
			return tree.Rule{}, fmt.Errorf("there are no %q rules here", strings.TrimSuffix(f, " "))
		}
	}
	switch {
	case line == "!" || line == "clear":
		return tree.Rule{}, errors.New("rules cannot be dropped again")
	case line[0] != '+' && line[0] != '-':
		return tree.Rule{Pattern: line}, nil
	case len(line) < 2 || line[1] != ' ' && line[1] != '_':
		return tree.Rule{}, fmt.Errorf("there is no space behind the %c", line[0])
	}
	return tree.Rule{Pattern: line[2:], Include: line[0] == '+'}, nil
}
