package rdmad

import (
	"cmp"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/rdmacp/rdmacp/internal/conffile"
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
	origins := true
	show := &cobra.Command{
		Use:   "show [flags of rdmad]",
		Short: "Show the configuration as rdmad would read it, and where each setting was said",
		Args:  noArgs("config show"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := find(cmd.Flags(), a.io.Environ(), places(a.io.Environ()))
			if err != nil {
				return err
			}
			return s.show(a.io.Stdout, origins)
		},
	}
	for _, cmd := range []*cobra.Command{check, show} {
		cmd.Flags().SortFlags = false
		addFlags(cmd.Flags())
		root.AddCommand(cmd)
	}
	show.Flags().BoolVar(&origins, "origin", true, "say behind each setting where it was said")
	return root
}

// checkConfig checks what can be without serving anything.
func (a *app) checkConfig(cmd *cobra.Command) error {
	c, err := load(cmd.Flags(), a.io.Environ(), places(a.io.Environ()))
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

// show writes the configuration as a file has it, with where each setting comes from.
func (s *settings) show(out io.Writer, origins bool) error {
	w := conffile.NewWriter(out, origins)
	for _, key := range keys() {
		if key != keyExport && key != keyClient {
			w.Line(key, s.values.Get(key), cmp.Or(s.from[key], "default"))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Export)) {
		e, from := s.Export[name], s.from[keyExport+delim+name]
		w.Table(keyExport, name)
		w.Line("path", e.Path, from)
		w.Line("read_only", e.ReadOnly, from)
		if e.Read != nil {
			w.Line("read", e.Read, from)
		}
		if e.Write != nil {
			w.Line("write", e.Write, from)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Client)) {
		c, from := s.Client[name], s.from[keyClient+delim+name]
		w.Table(keyClient, name)
		w.Line("match", c.Match, from)
		for _, l := range []struct{ key, value string }{{"rate", c.Rate}, {"max_bytes", c.MaxBytes}, {"owner", c.Owner}} {
			if l.value != "" {
				w.Line(l.key, l.value, from)
			}
		}
	}
	return w.Flush()
}
