package sendpath

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// zeroCopy sends pages of the cache where they lie (MSG_ZEROCOPY): Linux,
// Documentation/networking/msg_zerocopy.rst. The kernel says afterwards what it has copied
// all the same, as it does on loopback.
func zeroCopy(ctx context.Context, s *sender) error {
	if err := unix.SetsockoptInt(s.sock, unix.SOL_SOCKET, unix.SO_ZEROCOPY, 1); err != nil {
		return fmt.Errorf("%w: SO_ZEROCOPY: %w", ErrSkip, err)
	}
	z := zeroCopier{sender: s, sent: map[uint32]int{}}
	return s.pieces(ctx, func(off int64, n int) (int, error) { return n, s.mapped(off, n, z.send) })
}

// zeroCopier keeps count of what is still being sent: the memory has to stay until then.
type zeroCopier struct {
	*sender
	next uint32         // number of the next send
	sent map[uint32]int // bytes, by number
}

// send sends b, and waits until the kernel is done with it.
func (z *zeroCopier) send(b []byte) error {
	for len(b) > 0 {
		n, err := z.call(func() (int, error) { return unix.SendmsgN(z.sock, b, nil, nil, unix.MSG_ZEROCOPY) })
		if errors.Is(err, unix.ENOBUFS) && len(z.sent) > 0 { // too many are under way
			if err := z.reap(); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return fmt.Errorf("sendmsg: %w", err)
		}
		z.sent[z.next] = n
		z.next++
		b = b[n:]
	}
	for len(z.sent) > 0 {
		if err := z.reap(); err != nil {
			return err
		}
	}
	return nil
}

// extendedErr is the size of struct sock_extended_err (linux/errqueue.h), in bytes. Its fields: ee_errno
// (4 bytes), ee_origin, ee_type, ee_code, ee_pad (1 each), ee_info, ee_data (4 each).
const (
	extendedErr    = 16
	originZeroCopy = 5 // SO_EE_ORIGIN_ZEROCOPY
	codeCopied     = 1 // SO_EE_CODE_ZEROCOPY_COPIED
)

// reap waits for word of sends that are done.
func (z *zeroCopier) reap() error {
	if err := z.wait(); err != nil {
		return err
	}
	oob := make([]byte, 256)
	n, err := z.call(func() (int, error) {
		_, n, _, _, err := unix.Recvmsg(z.sock, nil, oob, unix.MSG_ERRQUEUE)
		return n, err
	})
	if err != nil {
		return fmt.Errorf("recvmsg: %w", err)
	}
	messages, err := unix.ParseSocketControlMessage(oob[:n])
	if err != nil {
		return fmt.Errorf("reading the error queue: %w", err)
	}
	for _, m := range messages {
		if len(m.Data) < extendedErr || m.Data[4] != originZeroCopy {
			continue
		}
		first, last := binary.NativeEndian.Uint32(m.Data[8:]), binary.NativeEndian.Uint32(m.Data[12:])
		z.done(first, last, m.Data[6] == codeCopied)
	}
	return nil
}

// wait waits for anything in the error queue.
func (z *zeroCopier) wait() error {
	_, err := z.call(func() (int, error) { return unix.Poll([]unix.PollFd{{Fd: int32(z.sock)}}, -1) })
	if err != nil {
		return fmt.Errorf("poll: %w", err)
	}
	return nil
}

// done notes that sends are done, and whether they were copied.
func (z *zeroCopier) done(first, last uint32, copied bool) {
	for i := first; ; i++ {
		if copied {
			z.copied += int64(z.sent[i])
			z.note = "the kernel has copied it all the same, as it does on loopback"
		}
		delete(z.sent, i)
		if i == last {
			return
		}
	}
}
