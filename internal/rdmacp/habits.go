package rdmacp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// habits are flags of scp's and rsync's that are not here, and what to do without.
var habits = map[string]string{
	"z": "nothing is compressed on the way: leave it out", "compress": "nothing is compressed on the way: leave it out",
	"C": "nothing is compressed on the way: leave it out",
	"F": "--via-ssh takes options of ssh's, as in --rsh 'ssh -F FILE'", "J": "--via-ssh takes options of ssh's, as in --rsh 'ssh -J HOST'",
	"mkpath": "the directories above DST are not made: make them first", "verify": "each chunk is verified without a flag; rdmacp verify compares two sides",
	"R": "list the paths below one source with --files-from", "relative": "list the paths below one source with --files-from",
	"S": "holes are kept without a flag", "sparse": "holes are kept without a flag",
	"W": "whole files are sent without a flag", "whole-file": "whole files are sent without a flag",
	"partial": "what was interrupted goes on without a flag", "append": "what was interrupted goes on without a flag",
	"append-verify": "what was interrupted goes on without a flag", "inplace": "a name never shows a partial file; --delta sends only what differs",
	"filter": "give --exclude, --include or --filter-from", "exclude-from": "give --filter-from", "include-from": "give --filter-from",
	"delete-after": "--delete removes at the very end", "delete-during": "--delete removes at the very end, and not before",
	"delete-before": "--delete removes at the very end, and not before", "del": "--delete removes at the very end, and not before",
	"info": "-P shows progress, -v says more", "3": "copies between two others are not there yet: run rdmacp on one of the two", "stats": "the last line has the figures; -v says more",
}

// valued is a flag that takes a value in scp or ssh, and none here, where it is another
// one: the value would be taken for a source.
type valued struct {
	looks func(value string) bool // like what scp takes, and like no source
	what  string                  // it is there, and here
	fix   string
}

// scpValues are those flags by their letters.
var scpValues = map[byte]valued{
	'P': {isCount, "a port to scp; to rsync, and here, it shows progress", "a port is given by --port=PORT or rdma://host:PORT/path"},
	'p': {isCount, "a port to ssh; to scp and rsync, and here, it keeps modes", "a port is given by --port=PORT or rdma://host:PORT/path"},
	'l': {isCount, "a limit of the rate to scp; to rsync, and here, it copies symbolic links as such", "--bwlimit=RATE limits the rate"},
	'i': {isKey, "a private key to scp; to rsync, and here, it lists changes, and the key would be copied", "leave both out: rdmad asks for no key of ssh's, and --via-ssh takes it as --rsh 'ssh -i KEY'; to copy it all the same, write --itemize-changes"},
	'o': {isSetting, "an option of ssh's to scp; to rsync, and here, it keeps owners", "leave both out; --via-ssh takes it as --rsh 'ssh -o OPTION=VALUE'"},
	'c': {isCipher, "a cipher to scp; to rsync, and here, it compares digests", "leave both out: TLS chooses its ciphers itself"},
}

// fault is that of the flag as it was typed.
func (v valued) fault(typed string) error {
	return usage("reading "+typed, fmt.Errorf("%.2s is %s", typed, v.what), v.fix)
}

func isCount(s string) bool {
	_, err := strconv.ParseUint(s, 10, 32)
	return err == nil && absent(s)
}

func isSetting(s string) bool {
	name, _, ok := strings.Cut(s, "=")
	return ok && name != "" && strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz") == "" && absent(s)
}

func isCipher(s string) bool {
	return (strings.Contains(s, "aes") || strings.Contains(s, "chacha20")) && !strings.ContainsAny(s, "/:") && absent(s)
}

// isKey reports whether a file begins as private keys do.
func isKey(name string) bool {
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
		return false
	}
	f, err := os.Open(name) //nolint:gosec // it is what the user has named
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	begin := make([]byte, 64)
	n, _ := io.ReadFull(f, begin)
	line, _, _ := bytes.Cut(begin[:n], []byte("\n"))
	return bytes.HasPrefix(line, []byte("-----BEGIN ")) && bytes.Contains(line, []byte("PRIVATE KEY"))
}

func absent(name string) bool {
	_, err := os.Lstat(name)
	return errors.Is(err, os.ErrNotExist)
}

// scpHabit explains a flag of scp's that was followed by its value, where there are
// names besides.
func scpHabit(typed, names []string) error {
	if len(names) < 3 {
		return nil
	}
	for i, flag := range typed[:max(len(typed)-1, 0)] {
		if flag == "--" {
			return nil
		}
		if len(flag) < 2 || flag[0] != '-' || flag[1] == '-' {
			continue
		}
		letter, value := flag[len(flag)-1], typed[i+1]
		if v, ok := scpValues[letter]; ok && v.looks(value) {
			return v.fault("-" + string(letter) + " " + value)
		}
	}
	return nil
}

// misspelt explains a first name that is no file here or on another host, and nearly a command's.
func misspelt(cmd *cobra.Command, args []string) error {
	cmd.SuggestionsMinimumDistance = 2 // cobra's own choice, where it suggests by itself
	if len(args) == 0 || len(args[0]) < 3 || strings.Contains(args[0], ":") || !absent(args[0]) {
		return nil
	}
	near := cmd.SuggestionsFor(args[0])
	if len(near) == 0 {
		return nil
	}
	return usage("reading the command line", fmt.Errorf("there is neither a command nor a file %q", args[0]),
		fmt.Sprintf("did you mean rdmacp %s? see rdmacp --help", near[0]))
}
