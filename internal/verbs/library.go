//go:build linux && cgo

package verbs

/*
#cgo LDFLAGS: -ldl
#include <stdlib.h>
#include "shim.h"
*/
import "C"

import (
	"fmt"
	"sync"
	"unsafe"
)

// soname is the library's ABI name: the 1 changes when the functions used here do.
const soname = "libibverbs.so.1"

// library loads libibverbs when it is first needed. A failure is tried again by the next call, so that a daemon finds
// a library which was installed after it started.
type library struct {
	mu     sync.Mutex
	loaded bool
	soname string
}

var lib = library{soname: soname}

func (l *library) load() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.loaded {
		return nil
	}
	file := C.CString(l.soname)
	defer C.free(unsafe.Pointer(file))
	var reason [256]C.char
	if C.rd_load(file, &reason[0], C.size_t(len(reason))) != 0 {
		return fmt.Errorf("verbs: %w: %s; install rdma-core (Debian: libibverbs1 ibverbs-providers, Fedora: libibverbs)",
			ErrNoLibrary, C.GoString(&reason[0]))
	}
	l.loaded = true

	return nil
}
