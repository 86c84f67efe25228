package server

import (
	"errors"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/mtls"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/wire"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// maxWatchers is how many clients may watch at once: each look takes what it looks at from
// those who copy.
const maxWatchers = 16

// Watch tells a client what the daemon does, until it leaves.
func (s *Server) Watch(q *pb.WatchRequest, stream grpc.ServerStreamingServer[pb.WatchResponse]) error {
	select {
	case s.watchers <- struct{}{}:
		defer func() { <-s.watchers }()
	default:
		return toStatus(fault.New(fault.Limit, "watching the daemon", errors.New("there are as many who watch as it allows"), "try again later"))
	}
	who := whoOf(stream.Context())
	tick := time.NewTicker(wire.Interval(q))
	defer tick.Stop()
	for {
		if err := stream.Send(wire.FromSnapshot(s.snapshot(who))); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-stream.Context().Done():
			return nil // it has left
		case <-s.draining:
			return toStatus(fault.New(fault.Interrupted, "watching the daemon", errors.New("the daemon is being stopped"), "watch it again once it is back"))
		}
	}
}

// snapshot is what a client by these names may know.
func (s *Server) snapshot(who []string) wire.Snapshot {
	all := s.Sessions()
	w := wire.Snapshot{Version: s.config.Version, At: time.Since(s.begun), Open: len(all)}
	for _, t := range s.Totals() {
		w.Bytes += t.Stats.Bytes
	}
	everything := mtls.Match(s.config.Operators, who) || local(who)
	for _, l := range all {
		if !everything && !slices.Equal(l.Identity, who) {
			continue
		}
		direction := transport.Put
		if l.Way.Direction == transport.Get.String() {
			direction = transport.Get
		}
		w.Sessions = append(w.Sessions, wire.Live{
			ID: l.ID, Peer: l.Peer, Identity: strings.Join(l.Identity, ","), Transport: l.Way.Transport, Direction: direction, Device: l.Device,
			Age: time.Since(l.Since), Export: l.Export, Path: l.Path, Stats: l.Stats,
		})
	}
	return w
}
