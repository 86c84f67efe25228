package top

import (
	"context"
	"errors"
	"io"
	"strings"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"github.com/rdmacp/rdmacp/internal/wire"
)

// Run shows what watch sees on a terminal, until the user leaves or ctx or watch ends. An
// error is watch's, or that of a terminal which cannot be used.
func Run(ctx context.Context, b *Board, in io.Reader, out io.Writer, environ []string, watch func(ctx context.Context, see func(wire.Snapshot) error) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p := tea.NewProgram(&screen{board: b}, tea.WithContext(ctx), tea.WithInput(in), tea.WithOutput(out), tea.WithEnvironment(environ))
	watched := make(chan error, 1)
	go func() {
		err := watch(ctx, func(s wire.Snapshot) error {
			p.Send(s)
			return nil
		})
		watched <- err
		p.Quit()
	}()
	_, err := p.Run()
	left := ctx.Err() == nil && len(watched) == 0 // the user has had enough
	cancel()
	seen := <-watched
	switch {
	case left, errors.Is(err, tea.ErrInterrupted):
		return nil
	case seen != nil:
		return seen
	}
	return err
}

// screen is the board on a terminal.
type screen struct {
	board         *Board
	width, height int
	paused        bool
}

// Init has nothing to begin.
func (*screen) Init() tea.Cmd { return nil }

// Update takes a look, a key, or the terminal's size.
func (s *screen) Update(m tea.Msg) (tea.Model, tea.Cmd) {
	switch m := m.(type) {
	case tea.WindowSizeMsg:
		s.width, s.height = m.Width, m.Height
	case wire.Snapshot:
		if !s.paused {
			s.board.Add(m)
		}
	case tea.KeyPressMsg:
		switch m.String() {
		case "q", "esc", "ctrl+c":
			return s, tea.Quit
		case "r":
			s.board.Order = ByRate
		case "a":
			s.board.Order = ByAge
		case "p", "space":
			s.paused = !s.paused
		}
	}
	return s, nil
}

// keys is what can be typed.
const keys = "q leave · r the fastest first · a the oldest first · p pause"

// View shows the board.
func (s *screen) View() tea.View {
	v := tea.NewView("")
	v.AltScreen, v.WindowTitle = true, "rdmacp top"
	if s.width == 0 || !s.board.Ready() {
		v.SetContent("asking rdmad ...")
		return v
	}
	lines := s.board.Render(s.width, s.height-1)
	for i, line := range lines {
		if i == 0 || strings.HasPrefix(line, "SESSION ") {
			lines[i] = lipgloss.NewStyle().Bold(true).Render(line)
		}
	}
	for len(lines) < s.height-1 {
		lines = append(lines, "")
	}
	last := keys
	if s.paused {
		last = "paused · " + keys
	}
	v.SetContent(strings.Join(append(lines, lipgloss.NewStyle().Faint(true).MaxWidth(s.width).Render(last)), "\n"))
	return v
}
