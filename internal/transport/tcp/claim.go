package tcp

import (
	"crypto/subtle"
	"errors"
	"net"
)

// Why a connection for data is refused. Whoever dialled it is not told.
var (
	errToken = errors.New("tcp: no session waits for this connection")
	errIndex = errors.New("tcp: the session has this connection already, or is to have fewer")
)

// await lets connections for d come.
func (f *Fabric) await(d *driver) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting[d] = struct{}{}
}

// forget lets no more connections for d come.
func (f *Fabric) forget(d *driver) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.waiting, d)
}

// claim gives a connection to the driver whose token it brought. It looks at all that
// wait, in constant time each: how long it takes tells nothing of a token.
func (f *Fabric) claim(p preface, c net.Conn) error {
	f.mu.Lock()
	var found *driver
	for d := range f.waiting {
		if subtle.ConstantTimeCompare(d.token[:], p.token[:]) == 1 {
			found = d
		}
	}
	f.mu.Unlock()
	if found == nil {
		return errToken
	}
	return found.take(int(p.index), c)
}
