package docs

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rdmacp/rdmacp/internal/rdmacp"
	"github.com/rdmacp/rdmacp/internal/rdmad"
)

// top is where the pages are.
const top = "../.."

// page is what a page has.
type page struct {
	name, prose string
	blocks      []Block
}

// all are all pages.
func all(t *testing.T) (pages []page) {
	t.Helper()
	names, err := Pages(top)
	if err != nil || len(names) < 10 {
		t.Fatalf("%d pages, %v", len(names), err)
	}
	for _, name := range names {
		blocks, prose, err := Read(top, name)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, page{name, prose, blocks})
	}
	return pages
}

// inline is a command line in the text.
var inline = regexp.MustCompile("`((?:sudo )?(?:rdmacp|rdmad) [^`]+)`")

// Each rdmacp and rdmad of a page, in a block or in the text, has the commands and the flags that it is given there.
func TestWhatPagesSay(t *testing.T) {
	t.Parallel()
	for _, p := range all(t) {
		for _, b := range p.blocks {
			for _, statement := range b.Statements() {
				for _, words := range ours(Commands(statement)) {
					if err := parse(words); err != nil {
						t.Errorf("%s: %q: %v", b, words, err)
					}
				}
			}
		}
		for _, m := range inline.FindAllStringSubmatch(p.prose, -1) {
			for _, words := range ours(Commands(plain.Replace(m[1]))) {
				err := parse(words)
				if lacks := (*pflag.ValueRequiredError)(nil); errors.As(err, &lacks) {
					continue // the text may speak of a flag without a value
				}
				if err != nil {
					t.Errorf("%s: %q: %v", p.name, m[1], err)
				}
			}
		}
	}
}

// plain takes out of what the text says of a command how it says that something may be left out.
var plain = strings.NewReplacer("[", "", "]", "", "...", "", "\n", " ")

// ours are those of the commands that are rdmacp's and rdmad's, from that word on: behind sudo, variables, and programs
// that run another. What is no command has the name as an argument: systemctl edit rdmad.
func ours(commands [][]string) (found [][]string) {
	for _, words := range commands {
		for i, word := range words {
			switch {
			case word != "rdmacp" && word != "rdmad":
				if i > 0 && words[i-1] == "-c" {
					found = append(found, ours(Commands(word))...)
				}
				continue
			case i == 0, words[i-1] == "--", words[i-1] == "sudo", words[0] == "srun", strings.HasPrefix(words[0], "$"), strings.Contains(words[i-1], "="):
				found = append(found, words[i:])
			}
			break
		}
	}
	return found
}

// parse takes a command line for what the program takes it for, without running it.
func parse(words []string) error {
	root := map[string]func() *cobra.Command{"rdmacp": rdmacp.Command, "rdmad": rdmad.Command}[words[0]]()
	root.InitDefaultVersionFlag()
	root.InitDefaultCompletionCmd()
	c, args, err := root.Find(words[1:])
	if err != nil {
		return err
	}
	c.InitDefaultHelpFlag()
	if err := c.ParseFlags(args); err != nil {
		return err
	}
	if c == root && c.Name() == "rdmad" && c.Flags().NArg() > 0 {
		return fmt.Errorf("there is no command %q", c.Flags().Arg(0))
	}
	return c.ValidateArgs(c.Flags().Args())
}
