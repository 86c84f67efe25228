// Package docs holds README.md and docs/*.md to what the programs do: it takes the commands out of them. Its tests
// check that each one can be said, package e2e runs those that can be run.
package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Block is a fenced block of a page. What its fence says is a language, and for tests "run", and where.
type Block struct {
	Page  string // as README.md, or docs/tuning.md
	Line  int    // of its fence
	Info  []string
	Lines []string
}

// Pages are the pages that the repository at top has, README.md first.
func Pages(top string) ([]string, error) {
	pages, err := filepath.Glob(filepath.Join(top, "docs", "*.md"))
	if err != nil {
		return nil, err
	}
	for i, page := range pages {
		pages[i] = "docs/" + filepath.Base(page)
	}
	return append([]string{"README.md"}, pages...), nil
}

// Read returns the blocks of a page, and its text without them.
func Read(top, page string) (blocks []Block, prose string, err error) {
	text, err := os.ReadFile(filepath.Join(top, page)) //nolint:gosec // a page of ours
	if err != nil {
		return nil, "", err
	}
	var open *Block
	indent := ""
	for i, line := range strings.Split(string(text), "\n") {
		content := strings.TrimLeft(line, " ")
		switch info, fence := strings.CutPrefix(content, "```"); {
		case fence && open == nil:
			indent = line[:len(line)-len(content)]
			open = &Block{Page: page, Line: i + 1, Info: strings.Fields(info)}
		case fence:
			blocks = append(blocks, *open)
			open = nil
		case open != nil:
			open.Lines = append(open.Lines, strings.TrimPrefix(line, indent))
		default:
			prose += line + "\n"
		}
	}
	if open != nil {
		return nil, "", fmt.Errorf("%s: the block at line %d has no end", page, open.Line)
	}
	return blocks, prose, nil
}

// String is where the block is.
func (b Block) String() string { return fmt.Sprintf("%s:%d", b.Page, b.Line) }

// Is reports whether the fence says the word.
func (b Block) Is(word string) bool { return slices.Contains(b.Info, word) }

// Statements are what a person types, each as one text: the lines of a block of "sh", and those behind a "$" of a block
// of "console". A line that ends with a backslash goes on in the next. Other blocks have none.
func (b Block) Statements() (statements []string) {
	if !b.Is("sh") && !b.Is("console") {
		return nil
	}
	goesOn := false
	for _, line := range b.Lines {
		if b.Is("console") && !goesOn {
			typed, prompt := strings.CutPrefix(line, "$ ")
			if !prompt {
				continue
			}
			line = typed
		}
		switch {
		case goesOn:
			statements[len(statements)-1] += "\n" + line
		case len(Commands(line)) > 0:
			statements = append(statements, line)
		}
		goesOn = strings.HasSuffix(line, `\`)
	}
	return statements
}
