package server

import (
	"path/filepath"

	"github.com/rdmacp/rdmacp/internal/storage"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// Own is the one export of a daemon whose clients are the user that it runs as: a name is
// a path of this host, and leads where it leads that user, by symbolic links too.
func Own() []Export { return []Export{{Name: "", Path: "/"}} }

// own reports whether an export is that one.
func (e Export) own() bool { return e.Name == "" && e.Path == "/" }

// land prepares a copy to the place.
func (p place) land(n tree.Naming, several bool, o tree.LandOptions) (*storage.Store, error) {
	if p.dir == nil {
		return storage.Land(p.abs(), n, several, o)
	}
	return p.dir.Land(p.name, n, several, o)
}

// path is what the place is called where its directory is asked for it.
func (p place) path() string {
	if p.dir == nil {
		return p.abs()
	}
	return p.name
}

// abs is the place's absolute path on this host.
func (p place) abs() string { return filepath.Join(p.Path, p.name) }
