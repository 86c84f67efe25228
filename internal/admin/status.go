package admin

import (
	"time"

	"github.com/rdmacp/rdmacp/internal/server"
	"github.com/rdmacp/rdmacp/internal/token"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// Format is the version of Status. Fields are added to it, and none is changed.
const Format = 1

// Status is what a daemon does.
type Status struct {
	Format    int       `json:"v"`
	Version   string    `json:"version"`
	PID       int       `json:"pid"`
	Started   time.Time `json:"started"`
	At        time.Time `json:"at"`
	Listening []string  `json:"listening"`
	Bytes     uint64    `json:"bytes"` // payload that was moved since it started
	Sessions  []Session `json:"sessions"`
}

// Session is one that is open.
type Session struct {
	ID        string           `json:"session"`
	Peer      string           `json:"peer"`
	Identity  []string         `json:"identity"`
	Transport string           `json:"transport"`
	Direction string           `json:"direction"`
	Device    string           `json:"device"`
	Since     time.Time        `json:"since"`
	Export    string           `json:"export"`
	Path      string           `json:"path"`
	Bytes     uint64           `json:"bytes"`
	Copied    uint64           `json:"copied_bytes"` // of them by a CPU of this host
	Stages    map[string]int64 `json:"stage_ms"`     // over all chunks in flight
}

// Daemon is who is asked.
type Daemon interface {
	Sessions() []server.Live
	Totals() map[server.Way]server.Totals
	Cancel(id string) bool
	Issue(s token.Scope, life time.Duration, copies int) (text []byte, g token.Grant, err error)
	Tokens() []token.Grant
	Revoke(id string) bool
}

// Self is what does not change about a daemon.
type Self struct {
	Version   string
	PID       int
	Started   time.Time
	Listening []string
}

// status looks at a daemon.
func status(d Daemon, self Self) Status {
	s := Status{
		Format: Format, Version: self.Version, PID: self.PID, Started: self.Started, At: time.Now(), Listening: self.Listening, Sessions: []Session{},
	}
	for _, t := range d.Totals() {
		s.Bytes += t.Stats.Bytes
	}
	for _, l := range d.Sessions() {
		s.Sessions = append(s.Sessions, Session{
			ID: l.ID, Peer: l.Peer, Identity: l.Identity, Transport: l.Way.Transport, Direction: l.Way.Direction, Device: l.Device,
			Since: l.Since, Export: l.Export, Path: l.Path, Bytes: l.Stats.Bytes, Copied: l.Stats.CopiedBytes + l.Stats.SocketBytes, Stages: stages(l.Stats),
		})
	}
	return s
}

// stages are the times of the stages that have taken any, in milliseconds.
func stages(s transport.Stats) map[string]int64 {
	all := map[string]int64{}
	for name, d := range map[string]time.Duration{"source": s.Source, "map": s.Map, "wire": s.Wire, "sink": s.Sink, "digest": s.Digest, "cipher": s.Cipher, "limit": s.Limit} {
		if d > 0 {
			all[name] = d.Milliseconds()
		}
	}
	return all
}
