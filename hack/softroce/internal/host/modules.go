//go:build linux

package host

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"slices"

	"github.com/rdmacp/rdmacp/hack/softroce/internal/kernel"
)

// Modules, by what they are for. Debian's kernels differ in what they have built in, and all need what is a module's
// but not by name: the checksums that rxe and ext4 ask the kernel's crypto for. Whatever else a test wants, modprobe
// finds in the guest.
var (
	earlyModules   = []string{"virtio_pci", "virtio_console"}
	rootModules    = []string{"9pnet_virtio", "9p", "overlay"}
	diskModules    = []string{"virtio_blk", "crc32c_generic", "?crc32c_intel", "ext4"}
	networkModules = []string{"virtio_net"}
	aloneModules   = []string{"veth"}
	netemModules   = []string{"sch_netem"}
	rxeModules     = []string{"crc32_generic", "?crc32_pclmul", "rdma_rxe", "rdma_ucm"}
)

// pack returns the initramfs, which has every module, and those of them that this run wants, in their order.
func pack(ctx context.Context, k kernel.Kernel, o *Options) (initramfs string, wanted []string, err error) {
	early, err := k.LoadOrder(earlyModules...)
	if err != nil {
		return "", nil, err
	}
	files, err := k.LoadOrder(slices.Concat(
		rootModules, diskModules, networkModules, aloneModules, netemModules, rxeModules)...)
	if err != nil {
		return "", nil, err
	}
	names := slices.Clone(rootModules)
	for _, group := range []struct {
		wanted bool
		names  []string
	}{
		{o.Disk != "0", diskModules},
		{o.Nodes > 1, networkModules},
		{o.Nodes == 1, aloneModules},
		{len(o.Netem) > 0, netemModules},
		{!o.NoRXE, rxeModules},
	} {
		if group.wanted {
			names = append(names, group.names...)
		}
	}
	order, err := k.LoadOrder(names...)
	if err != nil {
		return "", nil, err
	}
	for _, file := range order {
		wanted = append(wanted, kernel.Name(file))
	}
	program, key, err := self()
	if err != nil {
		return "", nil, err
	}
	initramfs, err = k.Pack(ctx, o.cache, kernel.Initramfs{Program: program, Key: key, Early: early, Files: files})
	return initramfs, wanted, err
}

// self returns this program's path and a digest of it: the guests run the same.
func self() (program, key string, err error) {
	if program, err = os.Executable(); err != nil {
		return "", "", fmt.Errorf("find this program: %w", err)
	}
	data, err := os.ReadFile(program)
	if err != nil {
		return "", "", fmt.Errorf("read this program: %w", err)
	}
	sum := sha256.Sum256(data)
	return program, hex.EncodeToString(sum[:8]), nil
}
