package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/token"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/wire"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// byToken reports whether the client has come by a token.
func (ss *session) byToken() bool { return len(ss.who) == 1 && token.Is(ss.who[0]) }

// How long a session may go on without a copy, and that of a token's holder. rdmacp has
// nothing to do ahead of a copy once its session is open.
const (
	sessionIdle = 5 * time.Minute
	guestIdle   = time.Minute
)

// next returns the client's next word between copies. Who says nothing is sent away.
func (ss *session) next(ctx context.Context) (*pb.SessionRequest, error) {
	limit := cmp.Or(ss.server.config.SessionIdle, sessionIdle)
	if ss.byToken() {
		limit = min(limit, guestIdle)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fault.New(fault.Timeout, "waiting for a copy", fmt.Errorf("there was none within %v", limit), "run the command again"))
	defer cancel()
	return ss.recv(ctx)
}

// reach is what the client may see of the exports in a copy. Whoever asks says at its end, as
// often as it likes, whether it counts for the token that it was made by, if it was.
func (ss *session) reach(c *wire.Copy) (es exports, end func(counts bool), err error) {
	es = ss.server.shared.now()
	if !ss.byToken() {
		return es, func(bool) {}, nil
	}
	use, err := ss.server.tokens.Begin(ss.who[0])
	if err != nil {
		return nil, nil, unusable(err)
	}
	if err = use.Place.inPlace(es); err == nil {
		err = ss.within(use.Place, use.Scope, c)
	}
	if err != nil {
		use.End(false)
		return nil, nil, err
	}
	return exports{use.Place}, use.End, nil
}

// within refuses what a token is not for, and sees to it that who may write does not get to
// read what is there, not by a comparison either.
func (ss *session) within(e *export, s token.Scope, c *wire.Copy) error {
	const what, fix = "copying by a token", "ask who gave it for another one"
	where := path.Join(s.Export, s.Path)
	switch {
	case s.Write && ss.hello.Direction != transport.Put:
		return fault.New(fault.Denied, what, fmt.Errorf("it is for %s to be written to, and not read", where), fix)
	case !s.Write && ss.hello.Direction == transport.Put:
		return fault.New(fault.Denied, what, fmt.Errorf("it is for %s to be read, and not written to", where), fix)
	case !s.Write && c.Remove:
		return fault.New(fault.Denied, what, fmt.Errorf("it is for %s to be read, and not removed", where), "do without --remove-source-files")
	case e.only != "" && c.Walk.Files != nil:
		return fault.New(fault.Denied, what, fmt.Errorf("it is for the file %s", where), "do without --files-from")
	case !s.Write:
		return nil
	case c.Land.Verify || c.Land.Delete:
		return fault.New(fault.Denied, what, fmt.Errorf("it is for %s to be written to: what is there is not to be compared, listed or removed", where), fix)
	}
	c.Land.Checksum, c.Land.Delta = false, false
	return nil
}

// unusable is the fault of a token that is good for nothing at this moment.
func unusable(why error) error {
	const what = "copying by a token"
	if errors.Is(why, token.ErrInUse) {
		return fault.New(fault.Busy, what, why, "wait until that one has ended")
	}
	return fault.New(fault.Denied, what, why, "ask who gave it for another one")
}
