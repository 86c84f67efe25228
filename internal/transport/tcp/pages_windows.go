package tcp

import (
	"errors"
	"fmt"
	"io"
	"net"

	"golang.org/x/sys/windows"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// descriptor is how a file is open.
type descriptor = windows.Handle

// openPages takes a handle of a place's file.
func openPages(p transport.Place) (*pages, error) {
	conn, err := p.File.SyscallConn()
	if err != nil {
		return nil, err
	}
	var own windows.Handle
	self := windows.CurrentProcess()
	if outer := conn.Control(func(from uintptr) {
		err = windows.DuplicateHandle(self, windows.Handle(from), self, &own, 0, false, windows.DUPLICATE_SAME_ACCESS)
	}); outer != nil {
		return nil, outer
	}
	if err != nil {
		return nil, fmt.Errorf("taking a handle: %w", err)
	}
	return &pages{own, p.Off}, nil
}

func (p *pages) close() { _ = windows.CloseHandle(p.file) } // nothing was written to it

// pread reads at least a byte. The handle shares its position with others, which is why
// every call here says where.
func pread(file windows.Handle, b []byte, off int64) (int, error) {
	var n uint32
	err := windows.ReadFile(file, b, &n, at(off))
	switch {
	case errors.Is(err, windows.ERROR_HANDLE_EOF), err == nil && n == 0:
		return 0, io.ErrUnexpectedEOF
	case err != nil:
		return 0, fmt.Errorf("ReadFile: %w", err)
	}
	return int(n), nil
}

func at(off int64) *windows.Overlapped {
	return &windows.Overlapped{Offset: uint32(off), OffsetHigh: uint32(off >> 32)}
}

// sendHead writes a header.
func (e *end) sendHead(to socket, b []byte) error { return e.write(to.Conn, net.Buffers{b}) }

// sendfile sends up to n bytes at off of a file by TransmitFile, and returns how many went:
// 0 at its end. Package net does that on servers only: elsewhere Windows serves two such
// calls at a time, whoever makes them, and has the others wait. That would hurt who serves
// many; who copies has one peer, and pieces are short.
func (e *end) sendfile(to socket, file windows.Handle, off int64, n int) (sent int, err error) {
	left, err := leftOf(file, off)
	if left == 0 || err != nil {
		return 0, err
	}
	n = int(min(int64(min(n, piece)), left))
	if outer := to.raw.Write(func(fd uintptr) bool {
		e.calls.Add(1)
		sent, err = e.transmit(windows.Handle(fd), file, off, n)
		return true
	}); outer != nil {
		return 0, outer
	}
	e.moving()
	for _, unfit := range [...]error{windows.ERROR_NOT_SUPPORTED, windows.ERROR_INVALID_FUNCTION, windows.ERROR_INVALID_PARAMETER, windows.WSAEOPNOTSUPP} {
		if errors.Is(err, unfit) {
			return 0, fmt.Errorf("%w: %w", errFile, err)
		}
	}
	if err == nil && sent == 0 { // it has become shorter just now, and nobody knows what went
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return 0, fmt.Errorf("TransmitFile: %w", err)
	}
	return sent, nil
}

// leftOf returns how much of a file there is from off on.
func leftOf(file windows.Handle, off int64) (int64, error) {
	var info windows.ByHandleFileInformation
	if err := windows.GetFileInformationByHandle(file, &info); err != nil {
		return 0, fmt.Errorf("GetFileInformationByHandle: %w", err)
	}
	return max(0, int64(info.FileSizeHigh)<<32+int64(info.FileSizeLow)-off), nil
}

// transmit makes one call and waits until it is done, or until the end breaks.
func (e *end) transmit(to, file windows.Handle, off int64, n int) (int, error) {
	event, err := windows.CreateEvent(nil, 1, 0, nil)
	if err != nil {
		return 0, err
	}
	defer func() { _ = windows.CloseHandle(event) }() // it holds nothing
	call := at(off)
	call.HEvent = event | 1 // the bit keeps the end of the call from package net, whose port the socket is at
	err = windows.TransmitFile(to, file, uint32(n), 0, call, nil, windows.TF_WRITE_BEHIND)
	if err != nil && !errors.Is(err, windows.ERROR_IO_PENDING) {
		return 0, err
	}
	over, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		select {
		case <-over:
		case <-e.broken:
			_ = windows.CancelIoEx(to, call) // it may be over
		}
	}()
	_, err = windows.WaitForSingleObject(event, windows.INFINITE)
	close(over)
	<-stopped
	if err != nil {
		return 0, err
	}
	var sent, flags uint32
	err = windows.WSAGetOverlappedResult(to, call, &sent, false, &flags)
	return int(sent), err
}
