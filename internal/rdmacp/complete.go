package rdmacp

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"
)

// completionLimit is how long somebody who has pressed Tab waits.
const completionLimit = 800 * time.Millisecond

// completing is what a shell is told that asks how a name may go on.
type completing = func(cmd *cobra.Command, args []string, word string) ([]cobra.Completion, cobra.ShellCompDirective)

// completeNames completes the names of a copy: hosts, exports, and what lies in them as
// far as who asks may read it. What goes wrong is nobody's concern: there are no names then.
func (a *app) completeNames(ctx context.Context) completing {
	return func(cmd *cobra.Command, args []string, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
		_, _, remote := splitHost(word)
		if _, local := onDrive(word); local || !remote {
			return a.completeHere(cmd, args, word)
		}
		a.io.Stderr, a.messages = io.Discard, &messages{w: io.Discard}
		ctx, cancel := context.WithTimeout(ctx, completionLimit)
		defer cancel()
		found := make(chan []string, 1)
		go func() { found <- a.completeThere(ctx, cmd, args, word) }()
		var names []string
		select {
		case names = <-found:
		case <-ctx.Done(): // what goes on without it ends by itself
		}
		directive := cobra.ShellCompDirectiveNoFileComp
		if len(names) != 1 || strings.HasSuffix(names[0], "/") {
			directive |= cobra.ShellCompDirectiveNoSpace
		}
		return names, directive
	}
}

// completeHere completes what has no host yet: to one, or to a file of this host. The shell
// does the latter better, unless there is something else.
func (a *app) completeHere(cmd *cobra.Command, args []string, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if strings.ContainsRune(word, '/') {
		return nil, cobra.ShellCompDirectiveDefault
	}
	var names []string
	for _, host := range a.knownHosts() {
		if strings.HasPrefix(host, word) {
			names = append(names, host+":")
		}
	}
	command := len(args) == 0 && slices.ContainsFunc(cmd.Commands(), func(c *cobra.Command) bool {
		return c.IsAvailableCommand() && strings.HasPrefix(c.Name(), word)
	})
	if len(names) == 0 && !command {
		return nil, cobra.ShellCompDirectiveDefault
	}
	files, _ := os.ReadDir(".")
	for _, f := range files {
		if name := f.Name(); strings.HasPrefix(name, word) && plainName(name) && (word != "" || name[0] != '.') {
			if f.IsDir() {
				name += "/"
			}
			names = append(names, name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// completeHost completes the name of a host alone.
func (a *app) completeHost(_ *cobra.Command, args []string, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, host := range a.knownHosts() {
		if strings.HasPrefix(host, word) {
			names = append(names, host)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// knownHosts are the hosts of the configuration and of ssh's.
func (a *app) knownHosts() []string {
	var hosts []string
	if s, err := readSettings(a.io, a.dirs()); err == nil {
		hosts = s.hosts()
	}
	if home := a.io.Getenv("HOME"); home != "" {
		hosts = append(hosts, sshHosts(filepath.Join(home, ".ssh", "config"))...)
		hosts = append(hosts, sshKnown(filepath.Join(home, ".ssh", "known_hosts"))...)
	}
	hosts = slices.DeleteFunc(hosts, func(h string) bool { return !plainName(h) })
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

// lookedInto is how much of one of ssh's files is looked into.
const lookedInto = 1 << 20

// wordsOf are the words of each line of a file; none if it cannot be read.
func wordsOf(file string) (lines [][]string) {
	f, err := os.Open(file) //nolint:gosec // it is the user's own
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	text, _ := io.ReadAll(io.LimitReader(f, lookedInto))
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) > 1 && !strings.HasPrefix(words[0], "#") {
			lines = append(lines, words)
		}
	}
	return lines
}

// sshHosts are the hosts that ssh_config(5) has a name for, but for patterns.
func sshHosts(file string) (hosts []string) {
	for _, words := range wordsOf(file) {
		if strings.EqualFold(words[0], "host") {
			hosts = append(hosts, words[1:]...)
		}
	}
	return hosts
}

// sshKnown are the hosts whose keys ssh knows, but for those that have a digest in the
// place of their names.
func sshKnown(file string) (hosts []string) {
	for _, words := range wordsOf(file) {
		if !strings.HasPrefix(words[0], "@") {
			hosts = append(hosts, strings.Split(words[0], ",")...)
		}
	}
	return hosts
}

// plainName reports whether a name means itself to every shell and shows as what it is:
// others are not proposed. A daemon must not have a say in what a shell does.
func plainName(name string) bool {
	return name != "" && name[0] != '-' && !strings.ContainsFunc(name, func(r rune) bool {
		return r == unicode.ReplacementChar || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("._-+,", r)
	})
}
