package console_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/device"
	"github.com/rdmacp/rdmacp/internal/doctor"
	"github.com/rdmacp/rdmacp/internal/fault"
)

func TestRender(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		fault  *fault.Error
		colour bool
		want   string
	}{
		{
			name:  "whole",
			fault: &fault.Error{Code: fault.NoSpace, Host: "gpu7", What: "writing /data/x", Why: errors.New("disk full"), Fix: "buy a disk"},
			want:  "rdmacp: gpu7: writing /data/x\n  why: disk full\n  fix: buy a disk\n",
		},
		{
			name:  "without reason and remedy",
			fault: &fault.Error{Code: fault.ReadOnly, What: "putting x"},
			want:  "rdmacp: putting x\n  why: the export is read-only\n  fix: choose another export, or export it without :ro\n",
		},
		{
			name:  "hostile names",
			fault: &fault.Error{Code: fault.NotFound, Host: "h\x1b[2J", What: "opening a\nfix: rm -rf", Why: errors.New("b\u202ec\xff"), Fix: "d\te"},
			want:  "rdmacp: h\\x1b[2J: opening a\\nfix: rm -rf\n  why: b\\u202ec\\xff\n  fix: d\\te\n",
		},
		{
			name:   "coloured",
			fault:  &fault.Error{What: "w", Why: errors.New("y"), Fix: "f"},
			colour: true,
			want:   "\x1b[1;31mrdmacp:\x1b[0m w\n  \x1b[1mwhy:\x1b[0m y\n  \x1b[1mfix:\x1b[0m f\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			console.Render(&b, "rdmacp", tt.fault, tt.colour)
			if got := b.String(); got != tt.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
}

// allCodes are the codes that there are.
func allCodes() []fault.Code {
	var all []fault.Code
	for c := fault.OK; c.Known(); c++ {
		all = append(all, c)
	}
	return all
}

func TestEveryCodeHasReasonAndRemedy(t *testing.T) {
	t.Parallel()
	for _, c := range append(allCodes(), 9999, -1) {
		f := console.Complete(&fault.Error{Code: c})
		if f.What == "" || f.Why.Error() == "" || f.Fix == "" {
			t.Errorf("%v: %+v", c, f)
		}
	}
}

func TestExit(t *testing.T) {
	t.Parallel()
	want := map[fault.Code]int{
		fault.OK: 0, fault.Internal: 13, fault.Usage: 1, fault.Version: 2, fault.NotFound: 23,
		fault.Permission: 23, fault.NotRegular: 23, fault.NoSpace: 11, fault.IO: 11, fault.NotExport: 3,
		fault.ReadOnly: 3, fault.Busy: 23, fault.SourceChanged: 23, fault.Integrity: 12, fault.NoDevice: 5,
		fault.Path: 5, fault.Memlock: 22, fault.Unreachable: 10, fault.ConnectTimeout: 35, fault.Lost: 12,
		fault.Timeout: 30, fault.Interrupted: 20, fault.Limit: 5, fault.Protocol: 12,
		fault.Partial: 23, fault.Vanished: 24, fault.Copied: 4, fault.Unproven: 5, fault.Denied: 3,
	}
	table := console.ExitTable()
	for _, c := range allCodes() {
		code, ok := want[c]
		if !ok {
			t.Errorf("%v: no exit code agreed on", c)
		}
		if got := console.Exit(c); got != code {
			t.Errorf("Exit(%v) = %d, want %d", c, got, code)
		}
		if !strings.Contains(table, fmt.Sprintf("\n  %2d  ", code)) {
			t.Errorf("--help does not list exit code %d of %v", code, c)
		}
	}
}

// What an error names of doctor is a check of doctor's.
func TestCited(t *testing.T) {
	t.Parallel()
	var all []*fault.Error
	for _, c := range allCodes() {
		all = append(all, &fault.Error{Code: c})
	}
	all = append(all, device.NoDriver(fstest.MapFS{}))
	for _, r := range []device.Rail{
		{Device: "rxe0", Port: 1, State: "DOWN"},
		{Device: "rxe0", Port: 1, State: device.StateActive, LinkLayer: device.Ethernet, GIDs: []device.GID{{Addr: netip.MustParseAddr("fe80::1"), Kind: device.RoCEv2}}},
	} {
		_, err := device.Choose([]device.Rail{r}, device.Want{Peer: netip.MustParseAddr("10.0.0.1")})
		f, ok := fault.As(err)
		if !ok || f.Check == "" {
			t.Fatalf("%+v: %v", r, err)
		}
		all = append(all, f)
	}
	cited := 0
	for _, f := range all {
		id, fix := console.Check(f), console.Cited(f).Fix
		if id == "" {
			if strings.Contains(fix, "[doctor") {
				t.Errorf("%v: %s", f.Code, fix)
			}
			continue
		}
		cited++
		if !slices.Contains(doctor.IDs(), id) {
			t.Errorf("%v names %q, which is no check", f.Code, id)
		}
		if !strings.HasSuffix(fix, " [doctor: "+id+"]") || len(fix) < 30 {
			t.Errorf("%v: %s", f.Code, fix)
		}
	}
	if cited < 10 {
		t.Errorf("only %d errors name a check", cited)
	}
}

// docs/errors.md has a section on every code, with its exit code, on every check of doctor's,
// and on nothing else; docs/doctor.md leads to those of the checks.
func TestEveryCodeIsExplained(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	_, sections, _ := strings.Cut("\n"+string(page), "\n## ")
	told := map[string]bool{}
	for s := range strings.SplitSeq(sections, "\n## ") {
		title, text, _ := strings.Cut(s, "\n")
		if told[title] || !strings.Contains(text, "\n- ") {
			t.Errorf("%q: there are two of it, or it does not say what to do", title)
		}
		told[title] = true
	}
	for _, c := range allCodes()[1:] { // without OK
		title := fmt.Sprintf("`%v`, exit code %d", c, console.Exit(c))
		if !told[title] {
			t.Errorf("no section %q", title)
		}
		delete(told, title)
	}
	table, err := os.ReadFile("../../docs/doctor.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range doctor.IDs() {
		title := "doctor: `" + id + "`"
		if !told[title] {
			t.Errorf("no section %q", title)
		}
		delete(told, title)
		if link := "[`" + id + "`](errors.md#doctor-" + id + ")"; !strings.Contains(string(table), link) {
			t.Errorf("docs/doctor.md does not have %s", link)
		}
	}
	for title := range told {
		t.Errorf("%q is no code, or not with that exit code, and no check", title)
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	keys := []string{"listen", "insecure", "log-level", "log-format", "slots"}
	for word, want := range map[string]string{
		"listne": "listen", "log_level": "log-level", "slot": "slots", "loglevel": "log-level",
		"colour": "", "": "", "inse": "insecure", "log-f": "log-format", "l": "", "sorts": "slots", "lesson": "",
	} {
		if got := console.Nearest(word, keys); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestGetenv(t *testing.T) {
	t.Parallel()
	s := console.IO{Env: []string{"TERMINAL=x", "TERM=dumb", "EMPTY="}}
	for key, want := range map[string]string{"TERM": "dumb", "EMPTY": "", "TER": ""} {
		if got := s.Getenv(key); got != want {
			t.Errorf("Getenv(%q) = %q, want %q", key, got, want)
		}
	}
}

func TestPlainStreamsHaveNoColour(t *testing.T) {
	t.Parallel()
	s := console.IO{Stderr: &bytes.Buffer{}, Env: []string{"TERM=xterm"}}
	if s.Interactive() || s.Colour() {
		t.Error("a buffer is taken for a terminal")
	}
}
