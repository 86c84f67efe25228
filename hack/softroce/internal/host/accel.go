//go:build linux

package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"time"
)

// kvm and tcg, emulation with a thread per CPU, are QEMU's accelerators.
const (
	kvm = "kvm"
	tcg = "tcg,thread=multi"
)

// kvmBoot is how long guests may take to boot by KVM. They take two seconds; where KVM is
// itself emulated, as in the machines of some clouds, they may hang for good.
const kvmBoot = 30 * time.Second

// accelerator returns kvm where this user may use it and the CPU has what it takes: a KVM without (PVM, in the machines
// of some clouds) runs no kernel but those that were made for it.
func accelerator() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil || !hardwareVirtualization.Match(info) {
		return tcg
	}
	if f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0); err == nil {
		_ = f.Close()
		return kvm
	}
	return tcg
}

// hardwareVirtualization is Intel's VT-x or AMD's SVM among the flags of /proc/cpuinfo.
var hardwareVirtualization = regexp.MustCompile(`(?m)^flags\s*:.* (vmx|svm)\b`)

// boots is how often guests are booted before their death while booting is an error: an emulated kernel panics now
// and then, and nothing of the command has run yet.
const boots = 3

// run boots the guests, runs the command and returns its exit status. That /dev/kvm is there does not mean that guests
// run by it: where they do not, they are emulated.
func run(ctx context.Context, o *Options) (code int, err error) {
	for try := 1; ; try++ {
		code, err = once(ctx, o)
		switch {
		case !errors.Is(err, errDied) || try == boots || ctx.Err() != nil:
			return code, err
		case o.accel == kvm:
			o.accel = tcg
			fmt.Fprintf(os.Stderr, "vm: the guests are emulated, since by KVM one died while booting: %v\n", err)
		default:
			fmt.Fprintf(os.Stderr, "vm: booting once more, since a guest died while booting: %v\n", err)
		}
	}
}
