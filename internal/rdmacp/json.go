package rdmacp

import (
	"encoding/json"
	"io"
	"time"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/fault"
)

// jsonVersion is the version of the lines that --json writes. Fields and types
// of lines may be added without a new one, nothing else may change.
const jsonVersion = 1

// head is what every line begins with.
type head struct {
	V    int    `json:"v"`
	Type string `json:"type"` // start, progress, summary, error or device
}

// startLine says that a copy begins.
type startLine struct {
	head
	Direction    string `json:"direction"`
	Source       string `json:"source"`
	Destination  string `json:"destination"`
	Bytes        int64  `json:"bytes"`
	Transport    string `json:"transport"`
	LocalDevice  string `json:"local_device"`
	RemoteDevice string `json:"remote_device"`
	Session      string `json:"session"`
	PeerVersion  string `json:"peer_version"`
}

// progressLine says how far a copy is.
type progressLine struct {
	head
	Bytes          int64    `json:"bytes"`
	Total          int64    `json:"total"`
	BytesPerSecond float64  `json:"bytes_per_second"`
	ETASeconds     *float64 `json:"eta_seconds"` // null while not known
}

// summaryLine says what a copy was, from what was counted.
type summaryLine struct {
	head
	Files          int64         `json:"files"`
	Bytes          int64         `json:"bytes"`
	Seconds        float64       `json:"seconds"`
	BytesPerSecond float64       `json:"bytes_per_second"`
	Direction      string        `json:"direction"`
	Source         string        `json:"source"`
	Destination    string        `json:"destination"`
	RemotePath     string        `json:"remote_path"`
	Transport      string        `json:"transport"`
	LocalDevice    string        `json:"local_device"`
	RemoteDevice   string        `json:"remote_device"`
	Digest         string        `json:"digest"`
	ChunksVerified int64         `json:"chunks_verified"`
	Retries        int64         `json:"retries"`
	Local          countersField `json:"local"`
	Remote         countersField `json:"remote"`
	Session        string        `json:"session"`
	PeerVersion    string        `json:"peer_version"`
}

// countersField is what one end counted.
type countersField struct {
	Bytes        uint64 `json:"bytes"`
	Chunks       uint64 `json:"chunks"`
	CopiedBytes  uint64 `json:"copied_bytes"`
	WorkRequests uint64 `json:"work_requests"`
	Completions  uint64 `json:"completions"`
	Wakeups      uint64 `json:"wakeups"`
}

// errorLine says why there is no copy.
type errorLine struct {
	head
	Code string `json:"code"` // stable name of the kind of fault
	Exit int    `json:"exit"` // the exit code that follows
	Host string `json:"host"` // where; empty for this host
	What string `json:"what"`
	Why  string `json:"why"`
	Fix  string `json:"fix"`
}

// writeLine writes one line of JSON.
func writeLine(w io.Writer, line any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(line)
}

// newErrorLine is a fault as a line.
func newErrorLine(f *fault.Error) errorLine {
	f = console.Complete(f)
	return errorLine{
		head: head{jsonVersion, "error"}, Code: f.Code.String(), Exit: console.Exit(f.Code),
		Host: f.Host, What: f.What, Why: f.Why.Error(), Fix: f.Fix,
	}
}

// newCountersField is one end's counters as a part of a line.
func newCountersField(c client.Counters) countersField {
	return countersField{
		Bytes: c.Bytes, Chunks: c.Chunks, CopiedBytes: c.CopiedBytes,
		WorkRequests: c.WorkRequests, Completions: c.Completions, Wakeups: c.Wakeups,
	}
}

// jsonEvery is how often --json says how far a copy is.
const jsonEvery = time.Second

// jsonProgress writes a line a second.
func jsonProgress(w io.Writer) *progress {
	return &progress{every: jsonEvery, show: func(s sample) {
		line := progressLine{head: head{jsonVersion, "progress"}, Bytes: s.Done, Total: s.Total, BytesPerSecond: s.Rate}
		if s.Left >= 0 {
			eta := s.Left.Seconds()
			line.ETASeconds = &eta
		}
		_ = writeLine(w, line) // a reader that went away shows at the summary
	}}
}
