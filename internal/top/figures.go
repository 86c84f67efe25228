package top

import "time"

// Figures are the board for programs.
type Figures struct {
	Version  string    `json:"version"`
	Open     int       `json:"open"`  // sessions, with those that are not to be seen
	Bytes    uint64    `json:"bytes"` // moved since the daemon started, by all
	Rate     float64   `json:"bytes_per_second"`
	Sessions []Session `json:"sessions"`
}

// Session is a row.
type Session struct {
	ID        string             `json:"session"`
	Identity  string             `json:"identity"`
	Peer      string             `json:"peer"`
	Transport string             `json:"transport"`
	Direction string             `json:"direction"`
	Device    string             `json:"device"`
	Seconds   float64            `json:"seconds"`
	Export    string             `json:"export"`
	Path      string             `json:"path"`
	Bytes     uint64             `json:"bytes"`
	Rate      float64            `json:"bytes_per_second"`
	Copied    float64            `json:"copied_share"` // of what has moved since the last look
	Stages    map[string]float64 `json:"stages"`       // shares of the chunks' time since then
}

// Figures are what is shown at this moment.
func (b *Board) Figures() Figures {
	f := Figures{Version: b.now.Version, Open: b.now.Open, Bytes: b.now.Bytes, Rate: b.rate, Sessions: []Session{}}
	for _, r := range b.rows() {
		s := Session{
			ID: r.ID, Identity: r.Identity, Peer: r.Peer, Transport: r.Transport, Direction: r.Direction.String(), Device: r.Device,
			Seconds: r.Age.Round(time.Millisecond).Seconds(), Export: r.Export, Path: r.Path, Bytes: r.Stats.Bytes, Rate: r.rate, Copied: r.copied, Stages: map[string]float64{},
		}
		for i, share := range r.shares {
			if share > 0 {
				s.Stages[stages[i].key] = share
			}
		}
		f.Sessions = append(f.Sessions, s)
	}
	return f
}
