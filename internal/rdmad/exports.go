package rdmad

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/server"
)

// exportForm is how an export is written in a flag or variable.
const exportForm = "give NAME=DIR, or NAME=DIR:ro for a read-only one"

// addExports adds the exports of the variable, then those of the flags. One of
// the same name takes the place of the earlier one.
func (s *settings) addExports(flags *pflag.FlagSet, variable string) error {
	if s.Export == nil {
		s.Export = map[string]rawExport{}
	}
	var fromEnv []string
	if variable != "" {
		fromEnv = strings.Split(variable, ",")
	}
	fromFlags, err := flags.GetStringArray(keyExport)
	if err != nil {
		return err
	}
	for _, list := range []struct {
		from  string
		texts []string
	}{{envPrefix + "EXPORT", fromEnv}, {"--" + keyExport, fromFlags}} {
		seen := map[string]bool{}
		for _, text := range list.texts {
			name, e, err := parseExport(text)
			if err != nil {
				return err
			}
			if seen[name] {
				return badValue(keyExport, text, fmt.Sprintf("there are two exports by the name %q", name), "give each a name of its own")
			}
			seen[name] = true
			e.Read, e.Write = s.Export[name].Read, s.Export[name].Write // who may do what stays as it is
			s.Export[name] = e
			s.from[keyExport+delim+name] = list.from
		}
	}
	return nil
}

// parseExport reads NAME=DIR[:ro].
func parseExport(text string) (name string, e rawExport, err error) {
	name, dir, ok := strings.Cut(text, "=")
	if !ok {
		return "", e, badValue(keyExport, text, "there is no '='", exportForm)
	}
	if d, ok := strings.CutSuffix(dir, ":ro"); ok {
		dir, e.ReadOnly = d, true
	} else {
		dir = strings.TrimSuffix(dir, ":rw")
	}
	e.Path = dir
	return name, e, nil
}

// exports returns the exports in the order of their names.
func (r *raw) exports() ([]server.Export, error) {
	var list []server.Export
	for _, name := range slices.Sorted(maps.Keys(r.Export)) {
		e := r.Export[name]
		if !validName(name) {
			return nil, badValue(keyExport, name, "not the name of an export",
				"use letters, digits, '.', '_' and '-', and begin with a letter or a digit")
		}
		if e.Path == "" {
			return nil, badValue(keyExport, name, "the directory is missing", exportForm)
		}
		if err := checkDir(name, e.Path); err != nil {
			return nil, err
		}
		rights := server.Rights{Read: e.Read, Write: e.Write}
		if err := rights.Check(); err != nil {
			return nil, badValue(keyExport, name, err.Error(), "a pattern is a name, in which * and ? stand for anything but a slash")
		}
		list = append(list, server.Export{Name: name, Path: e.Path, ReadOnly: e.ReadOnly, Rights: rights})
	}
	return list, nil
}

// validName reports whether a name can be typed behind host:: as it is.
func validName(name string) bool {
	for i, c := range []byte(name) {
		alnum := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !alnum && (i == 0 || !strings.ContainsRune("._-", rune(c))) {
			return false
		}
	}
	return name != "" && len(name) <= 255
}

// checkDir refuses what cannot be exported.
func checkDir(name, dir string) error {
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = errors.New("it is not a directory")
	}
	if err != nil {
		return fault.New(fault.NotExport, fmt.Sprintf("exporting %s as %q", dir, name), err,
			"make the directory, give rdmad access to it, or take the export away")
	}
	return nil
}
