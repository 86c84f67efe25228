package kernel

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	dep = "kernel/net/9p/9pnet.ko.xz:\n" +
		"kernel/fs/9p/9p.ko.xz: kernel/net/9p/9pnet.ko.xz kernel/fs/netfs/netfs.ko.xz\n" +
		"kernel/net/9p/9pnet-virtio.ko: kernel/net/9p/9pnet.ko.xz\n" +
		"kernel/fs/netfs/netfs.ko.xz:\n"
	builtin = "kernel/drivers/virtio/virtio_pci.ko\n"
)

func graph(t *testing.T) depGraph {
	t.Helper()
	g, err := readGraph(strings.NewReader(dep), strings.NewReader(builtin))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestOrder(t *testing.T) {
	got, err := graph(t).order([]string{"virtio_pci", "9p", "?absent", "9pnet_virtio"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"kernel/net/9p/9pnet.ko.xz", "kernel/fs/netfs/netfs.ko.xz", "kernel/fs/9p/9p.ko.xz", "kernel/net/9p/9pnet-virtio.ko",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestOrderOfAnAbsentModule(t *testing.T) {
	if _, err := graph(t).order([]string{"rdma_rxe"}); err == nil || !strings.Contains(err.Error(), "rdma_rxe") {
		t.Errorf("got %v, want an error that names rdma_rxe", err)
	}
}

func TestName(t *testing.T) {
	if got := Name("kernel/net/9p/9pnet-virtio.ko.zst"); got != "9pnet_virtio.ko" {
		t.Errorf("got %q", got)
	}
}

func TestFind(t *testing.T) {
	cache := t.TempDir()
	for release, version := range map[string]string{"6.1": "6.1.0-50-amd64", "6.12": "6.12.9+deb12-amd64"} {
		dir := filepath.Join(cache, "kernels", release)
		write(t, filepath.Join(dir, "boot", "vmlinuz-"+version))
		write(t, filepath.Join(dir, "lib", "modules", version, "modules.dep"))
	}
	for name, want := range map[string]string{
		"":                                     "6.12.9+deb12-amd64",
		"6.1":                                  "6.1.0-50-amd64",
		"6.12":                                 "6.12.9+deb12-amd64",
		filepath.Join(cache, "kernels", "6.1"): "6.1.0-50-amd64",
	} {
		k, err := Find(cache, name)
		if err != nil || k.Version != want {
			t.Errorf("Find(%q) = %q, %v, want %q", name, k.Version, err, want)
		}
	}
	if _, err := Find(cache, "7.0"); err == nil || !strings.Contains(err.Error(), "hack/deps") {
		t.Errorf("got %v, want an error that says what to do", err)
	}
}

func write(t *testing.T, name string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, nil, 0o644); err != nil {
		t.Fatal(err)
	}
}
