package wire

import (
	"fmt"
	"strings"
	"time"

	"github.com/rdmacp/rdmacp/internal/transport"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// Bounds on a WatchResponse, which has to fit into a message.
const (
	maxLive     = 128 // sessions
	maxLivePath = 256 // bytes
	maxLiveName = 256 // bytes of a client's names together

	// MinInterval and MaxInterval are the times between two of them.
	MinInterval = 500 * time.Millisecond
	MaxInterval = time.Minute
)

// Snapshot is what a daemon does at a moment.
type Snapshot struct {
	Version  string
	At       time.Duration // by a clock of the daemon's: for differences only
	Bytes    uint64        // payload that was moved since it started, by all sessions
	Open     int           // sessions, of which not all need be among Sessions
	Sessions []Live        // the oldest first
}

// Live is a session that is open.
type Live struct {
	ID        string
	Peer      string // address of its client
	Identity  string // its client's names
	Transport string // rdma or tcp
	Direction transport.Direction
	Device    string // of the daemon's
	Age       time.Duration
	Export    string // of the transfer that runs, or has run last
	Path      string // where in it; of a long one its end
	Stats     transport.Stats
}

// FromSnapshot returns s as a message. What does not fit is left out: sessions behind the
// first 128, and the beginnings of long paths.
func FromSnapshot(s Snapshot) *pb.WatchResponse {
	m := &pb.WatchResponse{Version: Printable(s.Version, maxVersion), AtNanos: nanos(s.At), Bytes: s.Bytes, Open: uint32(s.Open)}
	for _, l := range s.Sessions[:min(len(s.Sessions), maxLive)] {
		counters := FromCounters(Counters{Stats: l.Stats})
		counters.WhyCopied = ""
		m.Sessions = append(m.Sessions, &pb.LiveSession{
			Session: Printable(l.ID, MaxName), Peer: Printable(l.Peer, MaxName), Identity: []string{Printable(l.Identity, maxLiveName)},
			Transport: l.Transport, Direction: pb.Direction(l.Direction), Device: Printable(l.Device, MaxName), AgeMillis: uint64(max(0, l.Age.Milliseconds())),
			Export: Printable(l.Export, MaxName), Path: []byte(l.Path[len(l.Path)-min(len(l.Path), maxLivePath):]), Counters: counters,
		})
	}
	return m
}

// ToSnapshot returns what m holds, which is for people only.
func ToSnapshot(m *pb.WatchResponse) (s Snapshot, err error) {
	s = Snapshot{Version: Printable(m.GetVersion(), maxVersion), At: duration(m.GetAtNanos()), Bytes: m.GetBytes(), Open: int(m.GetOpen())}
	if len(m.GetSessions()) > maxLive {
		return s, invalid("WatchResponse", fmt.Errorf("%d sessions in one", len(m.GetSessions())))
	}
	for _, l := range m.GetSessions() {
		if len(l.GetPath()) > maxLivePath {
			return s, invalid("WatchResponse", fmt.Errorf("a path of %d bytes", len(l.GetPath())))
		}
		way := l.GetTransport()
		if way != transport.RDMA.String() && way != transport.TCP.String() {
			way = "?"
		}
		s.Sessions = append(s.Sessions, Live{
			ID: Printable(l.GetSession(), MaxName), Peer: Printable(l.GetPeer(), MaxName), Identity: Printable(strings.Join(l.GetIdentity(), ","), maxLiveName),
			Transport: way, Direction: transport.Direction(l.GetDirection()), Device: Printable(l.GetDevice(), MaxName),
			Age: time.Duration(min(l.GetAgeMillis(), 1<<40)) * time.Millisecond, Export: Printable(l.GetExport(), MaxName),
			Path: Printable(string(l.GetPath()), maxLivePath), Stats: ToCounters(l.GetCounters()).Stats,
		})
	}
	return s, nil
}

// Interval is the time between two answers that a client has asked for, within bounds.
func Interval(m *pb.WatchRequest) time.Duration {
	if m.GetIntervalMillis() == 0 {
		return time.Second
	}
	return min(max(time.Duration(m.GetIntervalMillis())*time.Millisecond, MinInterval), MaxInterval)
}
