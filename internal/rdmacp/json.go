package rdmacp

import (
	"encoding/json"
	"io"
	"time"
	"unicode/utf8"

	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// jsonVersion is the version of the lines that --json writes. Fields and types
// of lines may be added without a new one, nothing else may change.
const jsonVersion = 1

// head is what every line begins with.
type head struct {
	V    int    `json:"v"`
	Type string `json:"type"` // start, progress, file, problem, retry, summary, error, device, check, bundle or top
}

// startLine says that a copy begins, or goes on.
type startLine struct {
	head
	Direction    string   `json:"direction"`
	Sources      []string `json:"sources"`
	Destination  string   `json:"destination"`
	Transport    string   `json:"transport"`          // rdma or tcp
	Encrypted    bool     `json:"encrypted"`          // the bytes, on the way
	Fallback     string   `json:"fallback,omitempty"` // why it is not rdma, where auto would have liked that better
	LocalDevice  string   `json:"local_device"`
	RemoteDevice string   `json:"remote_device"`
	Session      string   `json:"session"`
	PeerVersion  string   `json:"peer_version"`
}

// retryLine says that a copy will go on over a new connection, or has to wait for one. Another start line follows
// once there is one, and all files are told of again.
type retryLine struct {
	head
	WaitSeconds float64 `json:"wait_seconds"`
	Code        string  `json:"code"` // as in an error line
	Host        string  `json:"host"`
	What        string  `json:"what"`
	Why         string  `json:"why"`
}

// progressLine says how far a copy is.
type progressLine struct {
	head
	Bytes          int64    `json:"bytes"`
	Total          int64    `json:"total"` // as far as is known: it grows while trees are walked
	Files          int64    `json:"files"`
	TotalFiles     int64    `json:"total_files"`
	BytesPerSecond float64  `json:"bytes_per_second"`
	ETASeconds     *float64 `json:"eta_seconds"` // null while not known
}

// pathField is a path in a line. Its bytes stand there too where they are no text.
type pathField struct {
	Path  string `json:"path"`
	Bytes []byte `json:"path_bytes,omitempty"` // base64
}

func newPathField(path string) pathField {
	if utf8.ValidString(path) {
		return pathField{Path: path}
	}
	return pathField{console.Escape(path), []byte(path)}
}

// fileLine tells of a file that is in place, or with -i and -n of a change.
type fileLine struct {
	head
	pathField
	Kind   string `json:"kind,omitempty"`
	Change string `json:"change,omitempty"` // rsync's letters
	Bytes  int64  `json:"bytes"`
	Digest string `json:"digest,omitempty"` // of the whole file: "blake3:HEX" or "sha256:HEX"
}

// problemOf tells of something that could not be copied.
type problemOf struct {
	head
	pathField
	Code string `json:"code"`
	Host string `json:"host"`
	What string `json:"what"`
	Why  string `json:"why"`
	Fix  string `json:"fix"`
}

func problemLineOf(p tree.Problem) problemOf {
	f, ok := fault.As(p.Fault)
	if !ok {
		f = fault.New(fault.Internal, "", p.Fault, "")
	}
	f = console.Complete(f)
	return problemOf{
		head: head{jsonVersion, "problem"}, pathField: newPathField(p.Path),
		Code: f.Code.String(), Host: f.Host, What: f.What, Why: f.Why.Error(), Fix: f.Fix,
	}
}

// summaryLine says what a copy was, from what was counted.
type summaryLine struct {
	head
	Command        string        `json:"command"` // copy, dry-run or verify
	Files          int64         `json:"files"`   // that are in place, or were compared
	Unchanged      int64         `json:"unchanged"`
	Skipped        int64         `json:"skipped"`
	Entries        int64         `json:"entries"` // of whatever kind
	Bytes          int64         `json:"bytes"`
	Kept           int64         `json:"kept"`    // bytes that did not move, since the destination had the same
	Resumed        int64         `json:"resumed"` // bytes that an earlier run had brought
	Deleted        int64         `json:"deleted"`
	Different      int64         `json:"different"`            // entries; of a dry run and verify
	WouldCopy      int64         `json:"would_copy,omitempty"` // files; of a dry run
	WouldSend      int64         `json:"would_send,omitempty"` // bytes
	Problems       int64         `json:"problems"`
	Seconds        float64       `json:"seconds"`
	BytesPerSecond float64       `json:"bytes_per_second"`
	Direction      string        `json:"direction"`
	Sources        []string      `json:"sources"`
	Destination    string        `json:"destination"`
	Landed         string        `json:"landed"`             // the absolute path where the copy has landed; empty for standard output
	Transport      string        `json:"transport"`          // rdma or tcp
	Encrypted      bool          `json:"encrypted"`          // the bytes, on the way
	Fallback       string        `json:"fallback,omitempty"` // why it is not rdma, where auto would have liked that better
	LocalDevice    string        `json:"local_device"`
	RemoteDevice   string        `json:"remote_device"`
	RailsLost      []string      `json:"rails_lost"`
	RailsBack      []string      `json:"rails_back"`
	Digest         string        `json:"digest"` // of chunks; empty with --no-verify
	ChunksVerified int64         `json:"chunks_verified"`
	Retries        int64         `json:"retries"`
	Earlier        earlierField  `json:"earlier"`
	Local          countersField `json:"local"`
	Remote         countersField `json:"remote"`
	BoundBy        boundField    `json:"bound_by"`
	Session        string        `json:"session"`
	PeerVersion    string        `json:"peer_version"`
}

// earlierField is what was done over connections that were lost; the summary's other
// figures are those of the last one.
type earlierField struct {
	Connections int64   `json:"connections"`
	Files       int64   `json:"files"`
	Bytes       int64   `json:"bytes"`
	Seconds     float64 `json:"seconds"`
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

	Doctor string `json:"doctor"` // the check of rdmacp doctor that looks for the cause; empty: none does
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
		Host: f.Host, What: f.What, Why: f.Why.Error(), Fix: f.Fix, Doctor: console.Check(f),
	}
}

// jsonEvery is how often --json says how far a copy is.
const jsonEvery = time.Second

// jsonProgress writes a line a second.
func jsonProgress(w *watch) *progress {
	return &progress{every: jsonEvery, show: func(s sample) {
		line := progressLine{head: head{jsonVersion, "progress"}, Bytes: s.Done, Total: s.Total, Files: s.FilesDone, TotalFiles: s.Files, BytesPerSecond: s.Rate}
		if s.Left >= 0 {
			eta := s.Left.Seconds()
			line.ETASeconds = &eta
		}
		w.say(line)
	}}
}
