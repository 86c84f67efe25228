package kernel

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rdmacp/rdmacp/hack/softroce/internal/cpio"
)

// ModuleDir is where an initramfs keeps its modules: ModuleDir/NAME.ko, never compressed. EarlyList is a file there:
// the names of those to load before the host can be heard, in order.
const (
	ModuleDir = "/modules"
	EarlyList = "early"
)

// Initramfs is what to pack.
type Initramfs struct {
	Program string   // becomes /init
	Key     string   // says which program that is
	Early   []string // module files for EarlyList
	Files   []string // further module files
}

// Name returns the name under which an initramfs keeps the module of a file, relative to ModuleDir.
func Name(file string) string { return moduleName(file) + ".ko" }

// Pack returns the path of the packed initramfs. It is made once, below cache.
func (k Kernel) Pack(ctx context.Context, cache string, fs Initramfs) (string, error) {
	out := filepath.Join(cache, "initramfs", k.Version+"-"+fs.Key+".cpio")
	if _, err := os.Stat(out); err == nil {
		return out, nil
	}
	data, err := k.pack(ctx, fs)
	if err != nil {
		return "", fmt.Errorf("initramfs for kernel %s: %w", k.Version, err)
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return "", fmt.Errorf("initramfs for kernel %s: %w", k.Version, err)
	}
	// Two runs may make the same one at once: each has a name of its own until it is whole.
	temp := fmt.Sprintf("%s.%d", out, os.Getpid())
	if err := os.WriteFile(temp, data, 0o644); err != nil {
		return "", fmt.Errorf("initramfs for kernel %s: %w", k.Version, err)
	}
	if err := os.Rename(temp, out); err != nil {
		return "", fmt.Errorf("initramfs for kernel %s: %w", k.Version, err)
	}
	return out, nil
}

func (k Kernel) pack(ctx context.Context, fs Initramfs) ([]byte, error) {
	init, err := os.ReadFile(fs.Program)
	if err != nil {
		return nil, err
	}
	var archive bytes.Buffer
	w := cpio.NewWriter(&archive)
	// A Writer keeps its first error, and Close returns it.
	_ = w.Dir("dev", 0o755)
	dir := strings.TrimPrefix(ModuleDir, "/")
	_ = w.Dir(dir, 0o755)
	var early strings.Builder
	for i, file := range slices.Concat(fs.Early, fs.Files) {
		module, err := k.readModule(ctx, file)
		if err != nil {
			return nil, err
		}
		_ = w.File(path.Join(dir, Name(file)), 0o644, module)
		if i < len(fs.Early) {
			_, _ = early.WriteString(Name(file) + "\n")
		}
	}
	_ = w.File(path.Join(dir, EarlyList), 0o644, []byte(early.String()))
	_ = w.File("init", 0o755, init)
	if err := w.Close(); err != nil {
		return nil, err
	}
	return archive.Bytes(), nil
}

// readModule returns a module's plain contents. Decompressing here, once, is what keeps a guest's boot short: an
// emulated CPU takes seconds for it.
func (k Kernel) readModule(ctx context.Context, file string) ([]byte, error) {
	name := filepath.Join(k.Modules, file)
	tools := map[string]string{".xz": "xz", ".zst": "zstd", ".gz": "gzip"}
	tool, ok := tools[filepath.Ext(name)]
	if !ok {
		return os.ReadFile(name)
	}
	out, err := exec.CommandContext(ctx, tool, "-dc", "--", name).Output()
	if err != nil {
		return nil, fmt.Errorf("decompress %s with %s: %w", name, tool, err)
	}
	return out, nil
}
