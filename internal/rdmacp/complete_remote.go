package rdmacp

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
	"github.com/rdmacp/rdmacp/internal/wire"
)

// mostProposed is how many names somebody would look through.
const mostProposed = 1000

// completeThere completes a name on another host; no names where that cannot be done.
func (a *app) completeThere(ctx context.Context, cmd *cobra.Command, args []string, word string) []string {
	if err := a.configure(cmd, append(slices.Clone(args), word+"x")); err != nil {
		return nil
	}
	if _, err := a.opts.check(cmd.Flags()); err != nil || a.opts.viaSSH || a.opts.token != "" {
		return nil // a login may ask something, and a token is for so many copies
	}
	g, ok := parsePartial(word)
	if !ok {
		return nil
	}
	o, err := a.dialOptions(ctx, job{direction: transport.Get, sources: []location{{remote: g.remote}}}, wire.MinChunk)
	if err != nil {
		return nil
	}
	if o.Transport == 0 {
		o.Transport = transport.TCP // names come by the control connection anyway
	}
	o.Slots, o.QPs, o.Rails, o.ZeroCopy, o.Encrypt = 1, 1, 1, false, false
	key := strings.Join([]string{o.Address, a.opts.tls.Cert, word}, "\x00")
	names, kept := a.kept(key)
	if !kept {
		if g.names == nil {
			names, err = exportNames(ctx, o)
		} else {
			names, err = list(ctx, o, *g.names)
		}
		if err != nil {
			return nil
		}
		a.keep(key, names)
	}
	return g.proposals(names)
}

// partial is a remote name that is not complete.
type partial struct {
	remote *remote
	before string         // what stands ahead of the name that is to be completed
	leaf   string         // what there is of that name
	names  *client.Target // what it may be; nil: an export
}

// parsePartial reads HOST:, HOST::EX, HOST::EXPORT/DIR/NA and HOST:/DIR/NA.
func parsePartial(word string) (p partial, ok bool) {
	if strings.HasPrefix(word, scheme) {
		return p, false
	}
	host, rest, _ := splitHost(word)
	slash := strings.LastIndexByte(rest, '/')
	if slash < 0 {
		h, err := parseHost(host)
		leaf, double := strings.CutPrefix(rest, ":")
		if err != nil || !double && rest != "" {
			return p, false
		}
		return partial{remote: &remote{Host: h}, before: host + "::", leaf: leaf}, true
	}
	p.before, p.leaf = host+":"+rest[:slash+1], rest[slash+1:]
	l, err := parseLocation(p.before, false)
	if err != nil || l.remote == nil {
		return p, false
	}
	dir := strings.TrimSuffix(l.remote.Path, "/")
	if dir != "" || l.remote.Export == "" {
		dir += "/"
	}
	p.remote = l.remote
	p.names = &client.Target{Export: l.remote.Export, Path: literally(dir) + pattern(p.leaf)}
	return p, p.leaf == "" || plainName(p.leaf)
}

// literally is a path that a pattern matches nothing else by.
func literally(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

// pattern is one of names that begin with leaf, which is a plain one or empty. A daemon takes
// a pattern for itself where there is a file of its name: * there may be, [!.]* hardly.
func pattern(leaf string) string {
	dot := ""
	if strings.HasPrefix(leaf, ".") {
		dot, leaf = ".", leaf[1:]
	}
	switch {
	case leaf == "":
		return dot + "[!.]*"
	case leaf[0] < utf8.RuneSelf && leaf[0] != '-':
		return dot + "[" + leaf[:1] + "]" + leaf[1:] + "*"
	}
	return dot + leaf + "*"
}

// proposals are the names that may be proposed, as they are to be typed.
func (p partial) proposals(names []string) (all []string) {
	for _, name := range names {
		leaf, dir := strings.CutSuffix(name, "/")
		if p.names == nil {
			dir = true
		}
		if !strings.HasPrefix(leaf, p.leaf) || !plainName(leaf) {
			continue
		}
		if dir {
			leaf += "/"
		}
		all = append(all, p.before+leaf)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// exportNames are the exports of a daemon that this client may read.
func exportNames(ctx context.Context, o client.Options) (names []string, err error) {
	e, err := client.Examine(ctx, o, nil)
	for _, x := range e.Exports {
		names = append(names, x.Name)
	}
	return names, err
}

// list are the names that match a pattern, with a slash behind those of directories: what
// a copy of them would bring, if nothing in directories were wanted.
func list(ctx context.Context, o client.Options, from client.Target) (names []string, err error) {
	s, err := client.Dial(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.Close() }() //nolint:contextcheck // it ends what ctx did not, and has a limit of its own
	seen := &namesSink{}
	_, err = s.Get(ctx, []client.Target{from}, seen, client.Job{
		Walk: tree.WalkOptions{Recursive: true, Links: true, Devices: true, Specials: true, Filter: []tree.Rule{{Pattern: "/*/*"}}},
		Land: tree.LandOptions{DryRun: true},
	})
	seen.mu.Lock()
	defer seen.mu.Unlock()
	if err == nil && len(seen.names) > mostProposed {
		err = errors.New("there are too many")
	}
	return seen.names, err
}

// namesSink is a tree.Sink that wants nothing but names.
type namesSink struct {
	mu    sync.Mutex
	names []string
}

// Add notes the name of an entry.
func (s *namesSink) Add(_ context.Context, e tree.Entry) tree.Verdict {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.Parent == 0 && len(s.names) <= mostProposed {
		name := e.Name
		if e.Kind == tree.Dir {
			name += "/"
		}
		s.names = append(s.names, name)
	}
	return tree.Verdict{ID: e.ID, Answer: tree.Skip}
}

// Open is never called, since nothing is wanted.
func (s *namesSink) Open(tree.Entry, tree.Verdict) (tree.Landing, error) {
	return nil, errors.New("nothing is wanted")
}

// Commit has nothing to do.
func (s *namesSink) Commit(_ context.Context, ls []tree.Landing) []error {
	return make([]error, len(ls))
}

// Finish has nothing to do.
func (s *namesSink) Finish(context.Context, bool, tree.Notes) error { return nil }
