package kernel

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// depGraph is what depmod knows: where each module's file is, and which files must be loaded ahead of it.
type depGraph struct {
	files   map[string]string   // module name to file, relative to lib/modules/VERSION
	needs   map[string][]string // file to the files that it needs
	builtin map[string]bool     // modules that the kernel image holds already
}

// moduleName returns a module's name from the name of its file: kernel spells dashes as underscores.
func moduleName(file string) string {
	name, _, _ := strings.Cut(path.Base(file), ".ko")
	return strings.ReplaceAll(name, "-", "_")
}

// readGraph parses modules.dep and modules.builtin.
func readGraph(dep, builtin io.Reader) (depGraph, error) {
	g := depGraph{files: map[string]string{}, needs: map[string][]string{}, builtin: map[string]bool{}}
	lines := bufio.NewScanner(dep)
	for lines.Scan() {
		file, needs, ok := strings.Cut(lines.Text(), ":")
		if !ok {
			return g, fmt.Errorf("modules.dep: no colon in line %q", lines.Text())
		}
		g.files[moduleName(file)] = file
		g.needs[file] = strings.Fields(needs)
	}
	if err := lines.Err(); err != nil {
		return g, fmt.Errorf("modules.dep: %w", err)
	}
	lines = bufio.NewScanner(builtin)
	for lines.Scan() {
		g.builtin[moduleName(lines.Text())] = true
	}
	if err := lines.Err(); err != nil {
		return g, fmt.Errorf("modules.builtin: %w", err)
	}
	return g, nil
}

// order returns the files to load for the named modules, each after those that it needs. A name with a leading "?" is
// one that a kernel may lack.
func (g depGraph) order(names []string) ([]string, error) {
	var files []string
	seen := map[string]bool{}
	var visit func(file string)
	visit = func(file string) {
		if seen[file] {
			return
		}
		seen[file] = true
		for _, need := range g.needs[file] {
			visit(need)
		}
		files = append(files, file)
	}
	for _, name := range names {
		name, optional := strings.CutPrefix(name, "?")
		file, ok := g.files[name]
		switch {
		case ok:
			visit(file)
		case !optional && !g.builtin[name]:
			return nil, fmt.Errorf("no module %s: this kernel was built without it (cloud flavours lack rdma_rxe)", name)
		}
	}
	return files, nil
}

// LoadOrder returns the files, relative to k.Modules, to load for the named modules, each after those that it needs.
// A name with a leading "?" is one that a kernel may lack.
func (k Kernel) LoadOrder(names ...string) ([]string, error) {
	dep, err := os.Open(filepath.Join(k.Modules, "modules.dep"))
	if err != nil {
		return nil, fmt.Errorf("kernel %s: %w", k.Version, err)
	}
	defer func() { _ = dep.Close() }()
	builtin, err := os.Open(filepath.Join(k.Modules, "modules.builtin"))
	if err != nil {
		return nil, fmt.Errorf("kernel %s: %w", k.Version, err)
	}
	defer func() { _ = builtin.Close() }()
	g, err := readGraph(dep, builtin)
	if err != nil {
		return nil, fmt.Errorf("kernel %s: %w", k.Version, err)
	}
	files, err := g.order(names)
	if err != nil {
		return nil, fmt.Errorf("kernel %s: %w", k.Version, err)
	}
	return files, nil
}
