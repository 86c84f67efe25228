package storage

import "github.com/rdmacp/rdmacp/internal/tree"

// Meta is what is kept of a file besides its bytes.
type Meta = tree.Meta
