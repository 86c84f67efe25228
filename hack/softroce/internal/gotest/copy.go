package gotest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// Dirs returns the folders that have to be in the share ahead of the command.
func (p *Plan) Dirs() []string {
	var dirs []string
	for _, o := range p.outputs {
		if o.dir {
			dirs = append(dirs, o.name)
		} else {
			dirs = append(dirs, path.Dir(o.name))
		}
	}
	return dirs
}

// CopyBack copies what the command left in the share, which the host has at dir, to where it belongs.
func (p *Plan) CopyBack(dir string) error {
	for _, o := range p.outputs {
		from := filepath.Join(dir, filepath.FromSlash(o.name))
		if err := CopyTree(from, o.host); err != nil {
			return fmt.Errorf("bring back %s: %w", o.host, err)
		}
	}
	return nil
}

// CopyTree copies a file, or what is in a folder; nothing if there is neither.
func CopyTree(from, to string) error {
	return filepath.WalkDir(from, func(name string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && name == from {
			return nil
		}
		if err != nil {
			return err
		}
		rest, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return os.MkdirAll(filepath.Join(to, rest), 0o755)
		}
		target := filepath.Join(to, rest)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(target, data, 0o644)
	})
}
