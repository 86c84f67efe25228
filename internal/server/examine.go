package server

import (
	"context"
	"errors"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/storage"
	"github.com/rdmacp/rdmacp/internal/token"
	"github.com/rdmacp/rdmacp/internal/wire"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// Examine tells a client what it cannot see from where it is.
func (s *Server) Examine(ctx context.Context, m *pb.ExamineRequest) (*pb.ExamineResponse, error) {
	e, err := s.examine(ctx, m, whoOf(ctx))
	if err != nil {
		return nil, toStatus(err)
	}
	return wire.FromExamined(e), nil
}

// examine is what a client by these names may know.
func (s *Server) examine(ctx context.Context, m *pb.ExamineRequest, who []string) (e wire.Examined, err error) {
	if len(who) == 1 && token.Is(who[0]) {
		return e, fault.New(fault.Denied, "examining the daemon", errors.New("a token is for files"), "look with an identity of your own")
	}
	at, err := wire.ToExamine(m)
	if err != nil {
		return e, err
	}
	es := s.shared.now()
	if at != nil {
		if e.Volume, err = s.volume(ctx, es, *at, who); err != nil {
			return e, err
		}
	}
	some := false
	for _, x := range es {
		some = some || x.mayRead(who) || !x.ReadOnly && x.mayWrite(who)
		if x.mayRead(who) {
			e.Exports = append(e.Exports, wire.Reachable{Name: x.Name, Writable: !x.ReadOnly && x.mayWrite(who)})
		}
	}
	if some && s.config.Checks != nil { // whose host it is concerns those who copy from and to it
		e.Checks = s.config.Checks()
	}
	e.Version, e.Now = s.config.Version, time.Now()
	return e, nil
}

// volume looks at the file system of a directory, and tries it where the client could write
// to it as fast as it likes. One is tried at a time: it is an answer, and no way to load disks.
func (s *Server) volume(ctx context.Context, es exports, t wire.Target, who []string) (*storage.Volume, error) {
	p, err := es.resolve(t, who)
	if err != nil {
		return nil, err
	}
	d, err := p.open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = d.Close() }()
	if p.writable("", who) != nil || s.shared.limit(who).Rate > 0 {
		v, err := d.Volume()
		return &v, err
	}
	select {
	case s.trying <- struct{}{}:
		defer func() { <-s.trying }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	v, err := d.Try(ctx)
	return &v, err
}

// open opens the place, which has to be a directory.
func (p place) open() (*storage.Dir, error) {
	if p.dir == nil {
		return storage.OpenDir(p.abs())
	}
	return p.dir.Beneath(p.name)
}
