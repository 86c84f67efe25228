//go:build linux

package guest

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/rdmacp/rdmacp/hack/softroce/internal/spec"
)

// onPath is where a guest has this program, as the command "on".
const onPath = "/usr/local/bin/on"

// cutPath is where a guest has the command that cuts its power. Sourced by a shell, it takes no time to start.
const cutPath = "/usr/local/bin/power-cut"

// cutScript leaves the mark for the host, then resets the guest at once: nothing is synced, and no process is told.
const cutScript = "#!/bin/sh\n: >" + spec.ShareDir + "/" + spec.CutMark + " && echo b >/proc/sysrq-trigger\n"

// Folders of the first root, from which the guest's own is put together.
const (
	hostDir = "/host" // the host's root
	skelDir = "/skel" // what the guest has and the host has not
	rootDir = "/root" // both
)

type mount struct {
	source, target, fstype string
	flags                  uintptr
	data                   string
}

func (m mount) do() error {
	if err := os.MkdirAll(m.target, 0o755); err != nil {
		return err
	}
	if err := unix.Mount(m.source, m.target, m.fstype, m.flags, m.data); err != nil {
		return fmt.Errorf("mount %s on %s: %w", m.source, m.target, err)
	}
	return nil
}

func mountAll(mounts ...mount) error {
	for _, m := range mounts {
		if err := m.do(); err != nil {
			return err
		}
	}
	return nil
}

// p9 returns the mount options of a 9p file system; the size of a message is the largest that virtio carries.
func p9(cache string) string { return "trans=virtio,version=9p2000.L,msize=512000,cache=" + cache }

// mountKernel mounts what the first root needs to find devices.
func mountKernel() error {
	return mountAll(
		mount{"devtmpfs", "/dev", "devtmpfs", 0, ""},
		mount{"proc", "/proc", "proc", 0, ""},
		mount{"sysfs", "/sys", "sysfs", 0, ""},
	)
}

// mountRoot makes the guest's root and moves into it: the host's root, read-only, below the few files and mount points
// that are the guest's own. An overlay without an upper layer is read-only, so that what a test writes to the wrong
// place fails, and does not vanish.
func mountRoot(g spec.Guest) error {
	err := mountAll(
		// The host's files hardly change while a guest runs, and caching them freely is what makes an emulated
		// guest bearable.
		mount{spec.RootTag, hostDir, "9p", unix.MS_RDONLY, p9("loose")},
		mount{"tmpfs", skelDir, "tmpfs", 0, "mode=0755"},
	)
	if err != nil {
		return err
	}
	modules, err := makeSkeleton(g)
	if err != nil {
		return err
	}
	err = mountAll(
		mount{"overlay", rootDir, "overlay", unix.MS_RDONLY, "lowerdir=" + skelDir + ":" + hostDir},
		mount{"devtmpfs", rootDir + "/dev", "devtmpfs", 0, ""},
		mount{"devpts", rootDir + "/dev/pts", "devpts", 0, "mode=0620,ptmxmode=0666"},
		mount{"tmpfs", rootDir + "/dev/shm", "tmpfs", 0, "mode=1777"},
		mount{"hugetlbfs", rootDir + "/dev/hugepages", "hugetlbfs", 0, ""},
		mount{"proc", rootDir + "/proc", "proc", 0, ""},
		mount{"sysfs", rootDir + "/sys", "sysfs", 0, ""},
		mount{"tmpfs", rootDir + "/tmp", "tmpfs", 0, "mode=1777"},
		mount{"tmpfs", rootDir + "/run", "tmpfs", 0, "mode=0755"},
		mount{hostDir, rootDir + spec.HostRoot, "", unix.MS_BIND, ""},
		mount{spec.ShareTag, rootDir + spec.ShareDir, "9p", 0, p9("none")},
		mount{hostDir + g.ModuleDir, rootDir + modules, "", unix.MS_BIND, ""},
	)
	if err != nil {
		return err
	}
	for _, name := range g.Reveal {
		if err := reveal(name); err != nil {
			return fmt.Errorf("reveal the host's %s: %w", name, err)
		}
	}
	return enter(rootDir)
}

// makeSkeleton fills skelDir and returns where the kernel's modules belong.
func makeSkeleton(g spec.Guest) (modules string, err error) {
	modules = "/lib/modules"
	// On a merged /usr, a folder here would cover the link.
	if _, err := os.Readlink(hostDir + "/lib"); err == nil {
		modules = "/usr/lib/modules"
	}
	for _, dir := range []string{modules, filepath.Dir(onPath), "/etc", spec.ScratchDir, "/tmp", "/run", "/proc", "/sys", "/dev"} {
		if err := os.MkdirAll(skelDir+dir, 0o755); err != nil {
			return "", err
		}
	}
	if err := os.WriteFile(skelDir+"/etc/hosts", []byte(g.Hosts()), 0o644); err != nil {
		return "", err
	}
	if g.Node > 1 { // the first one has the command that all is about
		if err := os.WriteFile(skelDir+cutPath, []byte(cutScript), 0o755); err != nil { //nolint:gosec // a command
			return "", err
		}
	}
	return modules, copyFile("/init", skelDir+onPath, 0o755)
}

// reveal binds a file or folder of the host to where the guest's /tmp or /run would hide it.
func reveal(name string) error {
	info, err := os.Stat(hostDir + name)
	if err != nil {
		return err
	}
	target := rootDir + name
	if !info.IsDir() {
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(target, nil, 0o644); err != nil {
			return err
		}
		if err := unix.Mount(hostDir+name, target, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("bind: %w", err)
		}
		return nil
	}
	return mount{hostDir + name, target, "", unix.MS_BIND, ""}.do()
}

// enter makes dir the root of this process and, since the kernel shares its own with PID 1, of modprobe's.
func enter(dir string) error {
	if err := os.Chdir(dir); err != nil {
		return err
	}
	if err := unix.Mount(".", "/", "", unix.MS_MOVE, ""); err != nil {
		return fmt.Errorf("move %s to /: %w", dir, err)
	}
	if err := unix.Chroot("."); err != nil {
		return fmt.Errorf("chroot to %s: %w", dir, err)
	}
	return os.Chdir("/")
}

// mountScratch mounts the scratch disk, if there is one.
func mountScratch(g spec.Guest) error {
	if !g.Disk {
		return nil
	}
	return mount{"/dev/vda", spec.ScratchDir, "ext4", 0, ""}.do()
}

func copyFile(from, to string, perm os.FileMode) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, perm)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		_ = out.Close()
		return err
	}
	return out.Close()
}
