package storage

import "io/fs"

// addStatus takes away the permissions of others to write, which everything is said to
// have here: what is copied from here shall not be open to everybody where it lands.
func addStatus(st *status, _ any) { st.mode &^= fs.FileMode(0o022) }
