package top

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/wire"
)

// look is one at a daemon with three sessions, of which two are to be seen.
func look(after time.Duration, bytes uint64) wire.Snapshot {
	return wire.Snapshot{
		Version: "v1", At: time.Minute + after, Bytes: 10 * bytes, Open: 3,
		Sessions: []wire.Live{
			{
				ID: "OLD", Peer: "10.0.0.1:1", Identity: "alice", Transport: "rdma", Direction: transport.Put, Device: "rxe0/1", Age: time.Hour + after, Export: "data", Path: "a\x1b[2J\nb",
				Stats: transport.Stats{Bytes: bytes, CopiedBytes: bytes / 4, Wire: 3 * after, Sink: after},
			},
			{
				ID: "NEW", Peer: "10.0.0.2:1", Identity: "bob", Transport: "tcp", Direction: transport.Get, Age: after,
				Stats: transport.Stats{Bytes: 3 * bytes, SocketBytes: 3 * bytes, Limit: 2 * after},
			},
		},
	}
}

func board() *Board {
	b := &Board{Host: "gpu7"}
	b.Add(look(0, 0))
	b.Add(look(2*time.Second, 8<<20))
	return b
}

func TestFigures(t *testing.T) {
	t.Parallel()
	b := board()
	f := b.Figures()
	if f.Rate != 40<<20 || f.Open != 3 || len(f.Sessions) != 2 {
		t.Fatalf("%+v", f)
	}
	fast, slow := f.Sessions[0], f.Sessions[1]
	if fast.ID != "NEW" || fast.Rate != 12<<20 || fast.Copied != 1 || fast.Stages["limit"] != 1 || fast.Direction != "get" {
		t.Errorf("%+v", fast)
	}
	if slow.ID != "OLD" || slow.Rate != 4<<20 || slow.Copied != 0.25 || slow.Stages["wire"] != 0.75 || slow.Stages["sink"] != 0.25 {
		t.Errorf("%+v", slow)
	}
	b.Order = ByAge
	if f := b.Figures(); f.Sessions[0].ID != "OLD" {
		t.Errorf("by age %s comes first", f.Sessions[0].ID)
	}
	// A daemon that was started again counts anew.
	b.Add(look(-time.Second, 1))
	if f := b.Figures(); f.Rate != 0 || f.Sessions[0].Rate > 1 {
		t.Errorf("after a restart: %+v", f)
	}
}

func TestRender(t *testing.T) {
	t.Parallel()
	text := strings.Join(board().Render(0, 0), "\n")
	for _, want := range []string{
		"rdmad v1 at gpu7 · 3 sessions · 80 MiB moved · 40 MiB/s", "put by rdma rxe0/1", "25 %", "wwwwwwwwwkkk", "llllllllllll", "1 session is of others", "k sink",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.ContainsRune(text, '\x1b') || strings.Count(text, "\n") != 7 {
		t.Errorf("a path steers the terminal:\n%q", text)
	}
	for width := range 100 {
		for height := 1; height < 12; height++ {
			lines := board().Render(width, height)
			if len(lines) > height {
				t.Fatalf("%d lines, where there is room for %d", len(lines), height)
			}
			for _, line := range lines {
				if width > 0 && len([]rune(line)) > width {
					t.Fatalf("%q is wider than %d", line, width)
				}
			}
		}
	}
	(&Board{}).Render(80, 24)
}

func TestScreen(t *testing.T) {
	t.Parallel()
	s := &screen{board: &Board{Host: "gpu7"}}
	says := func(want string, has bool) {
		t.Helper()
		if v := s.View(); strings.Contains(v.Content, want) != has {
			t.Errorf("%q: want %v in\n%s", want, has, v.Content)
		}
	}
	says("asking rdmad", true)
	for _, m := range []tea.Msg{tea.WindowSizeMsg{Width: 150, Height: 24}, look(0, 0), look(2*time.Second, 8<<20)} {
		s.Update(m)
	}
	says("40 MiB/s", true)
	says("paused", false)
	s.Update(tea.KeyPressMsg{Code: 'p', Text: "p"})
	s.Update(look(4*time.Second, 80<<20))
	says("paused", true)
	says("40 MiB/s", true)
	s.Update(tea.KeyPressMsg{Code: 'a', Text: "a"})
	if s.board.Order != ByAge {
		t.Error("a does not sort by age")
	}
	if _, cmd := s.Update(tea.KeyPressMsg{Code: 'q', Text: "q"}); cmd == nil || cmd() != tea.Quit() {
		t.Error("q does not leave")
	}
}

var errGone = errors.New("it is gone")

// What ends the watch ends the screen, with its error; who leaves ends the watch, with none.
func TestRun(t *testing.T) {
	t.Parallel()
	in := func() *strings.Reader { return strings.NewReader("") }
	var out strings.Builder
	err := Run(t.Context(), &Board{}, in(), &out, []string{"TERM=xterm"}, func(_ context.Context, see func(wire.Snapshot) error) error {
		return errors.Join(see(look(0, 0)), errGone)
	})
	if !errors.Is(err, errGone) {
		t.Errorf("%v", err)
	}
	ended := false
	err = Run(t.Context(), &Board{}, strings.NewReader("q"), &out, []string{"TERM=xterm"}, func(ctx context.Context, _ func(wire.Snapshot) error) error {
		<-ctx.Done()
		ended = true
		return ctx.Err()
	})
	if err != nil || !ended {
		t.Errorf("%v, ended: %v", err, ended)
	}
}
