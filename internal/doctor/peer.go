package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// probeBytes are enough to see whether packets get through. To see how fast, there are more
// and more of them until it takes rateTime, or mostBytes have moved.
const (
	probeBytes = 64 << 10
	rateBytes  = 4 << 20
	mostBytes  = 4 << 30
	rateTime   = 100 * time.Millisecond
)

// Wire is how many bytes a second have moved in each direction; 0 where none did.
type Wire map[transport.Direction]float64

// Peer looks at the way from this host to a daemon, and says each finding as soon as it is there. The
// options say who it is, and by which transport copies are to go; direction is Peer's. At is
// a directory there whose disk is to be tried; nil: none is.
func (h Host) Peer(ctx context.Context, o client.Options, at *Place, say func(Finding)) Wire {
	session, err := move(ctx, o, transport.TCP, transport.Put, probeBytes)
	if f, known := fault.As(err); known && unreachable(f.Code) {
		say(failed(checkDaemon, err))
		return nil
	}
	seen, unseen := client.Examine(ctx, o, at.target())
	if unseen != nil && at != nil { // the place may not be for us, but the rest is
		bare, _ := client.Examine(ctx, o, nil)
		seen.Version, seen.Exports = bare.Version, bare.Exports
	}
	say(daemon(o, cmp.Or(seen.Version, session.peer.Version)))
	examined(o, seen, unseen, say)
	if o.Transport != transport.TCP && turnedOff(err) {
		say(skip(checkTCP, "the daemon has TCP turned off"))
	} else {
		say(way(checkTCP, session, err))
	}
	by, before := transport.TCP, h.tally()
	if o.Transport != transport.TCP && h.ways(ctx, o, session, err == nil, say) {
		by = transport.RDMA
	}
	wire := Wire{}
	for _, d := range directions {
		if by == transport.TCP && (err != nil || o.Transport == transport.RDMA) {
			say(skip(rateChecks[d], "there is no way for the bytes"))
			continue
		}
		session, err := rate(ctx, o, by, d)
		if err == nil {
			wire[d] = session.rate()
		}
		say(way(rateChecks[d], session, err))
	}
	for _, f := range before.findings(o.Host) {
		say(f)
	}
	if seen.Volume != nil {
		say(disk(at.Name, *seen.Volume, wire[transport.Put]))
	}
	return wire
}

// What is looked at each way.
var (
	directions = []transport.Direction{transport.Put, transport.Get}
	rdmaChecks = map[transport.Direction]check{transport.Put: checkRDMAPut, transport.Get: checkRDMAGet}
	rateChecks = map[transport.Direction]check{transport.Put: checkRatePut, transport.Get: checkRateGet}
)

// turnedOff reports whether an end does without TCP. Copies by RDMA do not miss it.
func turnedOff(err error) bool {
	f, known := fault.As(err)
	return known && f.Code == fault.Path && f.Why != nil && f.Why.Error() == transport.ErrTCPOff.Error()
}

// ways looks at the way by RDMA, and reports whether bytes get through both ways. Where TCP does
// instead, an end without a device is no failure.
func (h Host) ways(ctx context.Context, o client.Options, tcp moved, byTCP bool, say func(Finding)) bool {
	works, limit := true, patience(tcp, byTCP)
	for _, d := range directions {
		before := h.tally()
		session, err := ping(ctx, o, d, limit)
		if errors.Is(err, errSilent) {
			err = silent(o.Host, before.all(), limit)
		}
		if d == transport.Put {
			for _, f := range append(paths(o.Host, session.peer.Ends), h.routes(ctx, session.peer.Ends)...) {
				say(f)
			}
		}
		f := way(rdmaChecks[d], session, err)
		if d == transport.Put && err != nil && byTCP && o.Transport == 0 && f.Fault.Code == fault.NoDevice {
			// That is the same in both directions, and copies do without.
			f.Status = Warn
			f.Observed += "; copies go by TCP"
			say(f)
			say(skip(checkRDMAGet, "as rdma-put"))
			return false
		}
		say(f)
		works = works && err == nil
	}
	return works
}

// rateLimit is how long a rate may take to be seen. A way that is as slow as that is broken.
const rateLimit = 30 * time.Second

// rate moves more and more bytes until it can be told how fast they are.
func rate(ctx context.Context, o client.Options, by transport.Kind, d transport.Direction) (moved, error) {
	limited, done := context.WithTimeoutCause(ctx, rateLimit, crawling(o.Host))
	defer done()
	session, err := move(limited, o, by, d, rateBytes)
	for err == nil && session.took < rateTime && session.bytes < mostBytes {
		session, err = move(limited, o, by, d, 4*session.bytes)
	}
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		err = context.Cause(limited)
	}
	return session, err
}

// crawling is the fault of a way that lets next to nothing through.
func crawling(host string) error {
	f := fault.New(fault.Timeout, "moving memory to see how fast it goes", fmt.Errorf("%s have not come through within %v", humanize.IBytes(rateBytes), rateLimit),
		"look for what drops packets on the way: counters says how many are lost")
	f.Host = host
	return f
}

// dial opens a session of a kind, for one direction.
func dial(ctx context.Context, o client.Options, k transport.Kind, d transport.Direction) (*client.Session, error) {
	o.Transport, o.Direction = k, d
	if k == transport.TCP {
		o.Device = ""
	}
	return client.Dial(ctx, o)
}

// How long RDMA may take for what TCP has brought at once: a second, unless that took so long
// that the hosts or the way are slow, as those are that are emulated. A NIC gives up by itself
// after some four seconds; Soft-RoCE takes half a minute for it.
const (
	leastPatience = time.Second
	mostPatience  = 5 * time.Second
	slowerThanTCP = 20
)

// patience is how long that is, by what TCP took, if it has brought it.
func patience(tcp moved, byTCP bool) time.Duration {
	if !byTCP {
		return mostPatience
	}
	return min(max(leastPatience, slowerThanTCP*tcp.took), mostPatience).Round(time.Second / 10)
}

// ping moves a little by RDMA. What has not come through in time is dropped on the way.
func ping(ctx context.Context, o client.Options, d transport.Direction, limit time.Duration) (moved, error) {
	s, err := dial(ctx, o, transport.RDMA, d)
	if err != nil {
		return moved{}, err
	}
	defer func() { _ = s.Close() }() //nolint:contextcheck // as in move
	limited, done := context.WithTimeoutCause(ctx, limit, errSilent)
	defer done()
	r, err := s.Blank(limited, probeBytes)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		err = context.Cause(limited)
	}
	return moved{s.Peer(), r.Bytes, r.Elapsed}, err
}

// errSilent is why nothing has come through.
var errSilent = errors.New("the two hosts have set it up by TCP, and then nothing came through")

// silent is the fault of a way by RDMA on which nothing comes through, by what this end's ports
// have received meanwhile.
func silent(host string, p packets, limit time.Duration) error {
	why, fix := fmt.Errorf("%w within %v", errSilent, limit),
		"open UDP port 4791 (RoCEv2) both ways in every firewall between the hosts, and compare their MTUs: rdmacp devices"
	switch {
	case p.gaps > 0:
		why = fmt.Errorf("packets come through, but so many are lost that it did not end within %v", limit)
		fix = "look for what drops packets, as counters says; it is no firewall that drops all of them"
	case p.received > 0:
		why = fmt.Errorf("%w: packets of %s get here, and what it is sent does not get there", why, host)
	}
	f := fault.New(fault.Path, "moving memory by RDMA", why, fix)
	f.Host = host
	return f
}

// unreachable reports whether a fault says that nothing can be done with the daemon.
func unreachable(c fault.Code) bool {
	switch c { //nolint:exhaustive // the others are of one way and not of both
	case fault.Unreachable, fault.ConnectTimeout, fault.Unproven, fault.Version, fault.Protocol, fault.Interrupted, fault.Limit, fault.Usage:
		return true
	default:
		return false
	}
}

// moved is what a probe has shown.
type moved struct {
	peer  client.Peer
	bytes int64
	took  time.Duration
}

// rate is how many bytes have moved a second.
func (m moved) rate() float64 { return float64(m.bytes) / m.took.Seconds() }

// move opens a session of a kind and moves bytes of memory through it.
func move(ctx context.Context, o client.Options, k transport.Kind, d transport.Direction, n int64) (m moved, err error) {
	s, err := dial(ctx, o, k, d)
	if err != nil {
		return m, err
	}
	defer func() { _ = s.Close() }() //nolint:contextcheck // it ends what ctx did not, and has a limit of its own
	r, err := s.Blank(ctx, n)
	return moved{s.Peer(), r.Bytes, r.Elapsed}, err
}

// daemon is the finding of one that answers.
func daemon(o client.Options, version string) Finding {
	switch version {
	case "": // an older one, by which no session came about
		return warn(checkDaemon, "an rdmad answers that does not tell its release, and this is rdmacp "+o.Version, "install the same release where you can")
	case o.Version:
		return ok(checkDaemon, "rdmad "+version+" answers")
	}
	return warn(checkDaemon, fmt.Sprintf("rdmad %s answers, and this is rdmacp %s", version, o.Version), "they understand one another; install the same release where you can")
}

// way is the finding of bytes that were to be moved.
func way(c check, m moved, err error) Finding {
	if err != nil {
		return failed(c, err)
	}
	return ok(c, fmt.Sprintf("%s from %s to %s in %s, %s", humanize.IBytes(uint64(m.bytes)), //nolint:gosec // it is a count
		m.peer.LocalDevice, m.peer.Device, m.took.Round(time.Millisecond), perSecond(m.rate())))
}
