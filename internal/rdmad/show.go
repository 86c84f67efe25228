package rdmad

import (
	"cmp"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/server"
)

// configCommand is about the configuration, and serves nothing.
func (a *app) configCommand() *cobra.Command {
	root := group(&cobra.Command{Use: "config", Short: "Check the configuration, or show it and where it comes from"})
	check := &cobra.Command{
		Use:   "check [flags of rdmad]",
		Short: "Check the configuration as rdmad would read it, certificates and exports too",
		Args:  noArgs("config check"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.checkConfig(cmd)
		},
	}
	show := &cobra.Command{
		Use:   "show [flags of rdmad]",
		Short: "Show the configuration as rdmad would read it, and where each setting was said",
		Args:  noArgs("config show"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := find(cmd.Flags(), a.io.Environ(), defaultFile)
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(a.io.Stdout, s.show())
			return err
		},
	}
	for _, cmd := range []*cobra.Command{check, show} {
		cmd.Flags().SortFlags = false
		addFlags(cmd.Flags())
		root.AddCommand(cmd)
	}
	return root
}

// checkConfig checks what can be without serving anything.
func (a *app) checkConfig(cmd *cobra.Command) error {
	c, err := load(cmd.Flags(), a.io.Environ(), defaultFile)
	if err != nil {
		return err
	}
	if _, err := c.credentials(slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	srv, err := server.New(server.Config{Exports: c.exports, MaxSessions: 1}) // it opens them
	if err == nil {
		err = srv.Close()
	}
	if err != nil {
		return err
	}
	for _, name := range c.ignored {
		_, _ = fmt.Fprintf(a.io.Stderr, "rdmad: the environment variable %s means nothing\n", name)
	}
	_, err = fmt.Fprintf(a.io.Stdout, "%s: good, with %s\n", cmp.Or(c.file, "no file"), console.Count(int64(len(c.exports)), "export", "exports"))
	return err
}

// show is the configuration as a file has it, with where each setting comes from.
func (s *settings) show() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	line := func(key string, value any, from string) {
		_, _ = fmt.Fprintf(w, "%s = %s\t# %s\n", key, literal(value), from)
	}
	for _, key := range keys() {
		if key != keyExport && key != keyClient {
			line(key, s.values.Get(key), cmp.Or(s.from[key], "default"))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Export)) {
		e, from := s.Export[name], s.from[keyExport+delim+name]
		_, _ = fmt.Fprintf(w, "\n[export.%s]\n", literalKey(name))
		line("path", e.Path, from)
		line("read_only", e.ReadOnly, from)
		if e.Read != nil {
			line("read", e.Read, from)
		}
		if e.Write != nil {
			line("write", e.Write, from)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Client)) {
		c, from := s.Client[name], s.from[keyClient+delim+name]
		_, _ = fmt.Fprintf(w, "\n[client.%s]\n", literalKey(name))
		line("match", c.Match, from)
		for _, l := range []struct{ key, value string }{{"rate", c.Rate}, {"max_bytes", c.MaxBytes}, {"owner", c.Owner}} {
			if l.value != "" {
				line(l.key, l.value, from)
			}
		}
	}
	_ = w.Flush() // into memory
	return b.String()
}

// literal is a value as TOML writes it.
func literal(v any) string {
	switch v := v.(type) {
	case string:
		return strconv.Quote(v)
	case []string:
		quoted := make([]string, len(v))
		for i := range v {
			quoted[i] = strconv.Quote(v[i])
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	case []any:
		texts := make([]string, len(v))
		for i := range v {
			texts[i] = fmt.Sprint(v[i])
		}
		return literal(texts)
	}
	return fmt.Sprint(v)
}

// literalKey is a key as TOML writes it.
func literalKey(key string) string {
	if strings.Contains(key, ".") {
		return strconv.Quote(key)
	}
	return key
}
