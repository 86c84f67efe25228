package verbs

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
)

func TestErrorConstructors(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want syscall.Errno
	}{
		{"null with errno", fromNull("f", syscall.ENOMEM), syscall.ENOMEM},
		{"null without errno", fromNull("f", nil), syscall.EIO},
		{"null with errno 0", fromNull("f", syscall.Errno(0)), syscall.EIO},
		{"minus one", fromMinusOne("f", syscall.EAGAIN), syscall.EAGAIN},
		{"returned", fromReturn("f", int(syscall.EINVAL)), syscall.EINVAL},
		{"returned negative", fromReturn("f", -int(syscall.EINVAL)), syscall.EINVAL},
		{"returned 0", fromReturn("f", 0), 0},
		{"polled", fromPoll("f", 3), 0},
		{"poll failed", fromPoll("f", -2), syscall.EIO},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.want == 0 {
				if tt.err != nil {
					t.Fatalf("got %v, want nil", tt.err)
				}

				return
			}
			e, ok := errors.AsType[*Error](tt.err)
			if !ok || e.Op != "f" || !errors.Is(tt.err, tt.want) {
				t.Fatalf("got %#v, want errno %v of f", tt.err, tt.want)
			}
		})
	}
}

func TestErrorText(t *testing.T) {
	err := fromNull("ibv_open_device", syscall.ENODEV)
	if got, want := err.Error(), "verbs: ibv_open_device: no such device"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := withDetail(err, "rxe9").Error(), "verbs: ibv_open_device: no such device (rxe9)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if withDetail(nil, "x") != nil {
		t.Error("a detail made an error of nil")
	}
}

func TestErrorIsNotSupported(t *testing.T) {
	for errno, want := range map[syscall.Errno]bool{
		syscall.ENOSYS: true, syscall.EOPNOTSUPP: true, syscall.EINVAL: false,
	} {
		if got := errors.Is(fmt.Errorf("opening: %w", fromReturn("f", int(errno))), ErrNotSupported); got != want {
			t.Errorf("%v is ErrNotSupported: %t, want %t", errno, got, want)
		}
	}
	if errors.Is(fromReturn("f", int(syscall.ENOSYS)), ErrClosed) {
		t.Error("ENOSYS is ErrClosed")
	}
}

func TestCompletionError(t *testing.T) {
	sentinels := map[error]WCStatus{
		ErrFlushed: WCWRFlushErr, ErrRetryExceeded: WCRetryExcErr,
		ErrRNRRetryExceeded: WCRNRRetryExcErr, ErrRemoteAccess: WCRemAccessErr,
	}
	for status := WCSuccess; status <= WCTMRndvIncomplete; status++ {
		err := WC{ID: 0xabc, Status: status, QPN: 0x11, VendorErr: 5}.Err()
		if status == WCSuccess {
			if err != nil {
				t.Errorf("a success gave %v", err)
			}

			continue
		}
		for sentinel, of := range sentinels {
			if got, want := errors.Is(err, sentinel), status == of; got != want {
				t.Errorf("%v is %q: %t, want %t", status, sentinel, got, want)
			}
		}
		if errors.Is(err, ErrClosed) {
			t.Errorf("%v is ErrClosed", status)
		}
		if msg := err.Error(); !strings.Contains(msg, "0xabc") || !strings.Contains(msg, status.String()) {
			t.Errorf("message %q lacks the work request or the status", msg)
		}
	}
}
