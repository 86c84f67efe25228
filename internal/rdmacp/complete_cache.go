package rdmacp

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"time"
)

// keptFor is how long names count that a daemon has told: who presses Tab twice means the same.
const keptFor = 10 * time.Second

// cacheFile is where the names are kept that belong to a key; empty for nowhere.
func (a *app) cacheFile(key string) string {
	dir := a.io.Getenv("XDG_CACHE_HOME")
	if home := a.io.Getenv("HOME"); dir == "" && home != "" {
		dir = filepath.Join(home, ".cache")
	}
	if !filepath.IsAbs(dir) {
		return ""
	}
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(dir, "rdmacp-names", hex.EncodeToString(sum[:8]))
}

// kept are the names that were told a moment ago.
func (a *app) kept(key string) (names []string, ok bool) {
	file := a.cacheFile(key)
	if file == "" {
		return nil, false
	}
	info, err := os.Stat(file)
	if err != nil || time.Since(info.ModTime()).Abs() > keptFor {
		return nil, false
	}
	b, err := os.ReadFile(file) //nolint:gosec // it is the user's own
	return names, err == nil && json.Unmarshal(b, &names) == nil
}

// keep keeps names for a moment, and forgets those of earlier ones.
func (a *app) keep(key string, names []string) {
	file := a.cacheFile(key)
	if file == "" {
		return
	}
	dir := filepath.Dir(file)
	if os.MkdirAll(dir, 0o700) != nil {
		return
	}
	if old, err := os.ReadDir(dir); err == nil {
		for _, e := range old {
			if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > keptFor {
				_ = os.Remove(filepath.Join(dir, e.Name()))
			}
		}
	}
	b, err := json.Marshal(names) // what is no UTF-8 is none of what is proposed
	if err != nil {
		return
	}
	f, err := os.CreateTemp(dir, "new-")
	if err != nil {
		return
	}
	_, err = f.Write(b)
	if closed := f.Close(); err != nil || closed != nil || os.Rename(f.Name(), file) != nil {
		_ = os.Remove(f.Name())
	}
}
