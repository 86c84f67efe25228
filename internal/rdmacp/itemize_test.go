package rdmacp

import (
	"testing"

	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// The letters are rsync's, as its manual has them under --itemize-changes.
func TestLetters(t *testing.T) {
	t.Parallel()
	tests := []struct {
		want     string
		d        transport.Direction
		kind     tree.Kind
		answer   tree.Answer
		change   tree.Change
		compared bool
	}{
		{"<f+++++++++", transport.Put, tree.File, tree.Want, tree.New, false},
		{">f+++++++++", transport.Get, tree.File, tree.Want, tree.New, false},
		{">f+++++++++", transport.Get, tree.File, tree.Done, tree.New, false}, // a dry run
		{">f.st......", transport.Get, tree.File, tree.Want, tree.Content | tree.Size | tree.Time, false},
		{">fcst......", transport.Get, tree.File, tree.Want, tree.Content | tree.Size | tree.Time, true},
		{"<fc........", transport.Put, tree.File, tree.Want, tree.Content, true},
		{".f..t......", transport.Put, tree.File, tree.Done, tree.Time, false},
		{".f...pog.ax", transport.Put, tree.File, tree.Done, tree.Mode | tree.Owners | tree.Groups | tree.ACL | tree.Attrs, false},
		{"cd+++++++++", transport.Put, tree.Dir, tree.Done, tree.New, false},
		{".d..tp.....", transport.Put, tree.Dir, tree.Done, tree.Time | tree.Mode, false},
		{"cL+++++++++", transport.Put, tree.Symlink, tree.Done, tree.New, false},
		{"cLc........", transport.Put, tree.Symlink, tree.Done, tree.Content, false},
		{"cL+++++++++", transport.Put, tree.Symlink, tree.Done, tree.Kinds, false},
		{".L..t......", transport.Put, tree.Symlink, tree.Done, tree.Time, false},
		{"hf+++++++++", transport.Put, tree.Hardlink, tree.Done, tree.New, false},
		{"hfc........", transport.Put, tree.Hardlink, tree.Done, tree.Content, false},
		{"cS+++++++++", transport.Put, tree.FIFO, tree.Done, tree.New, false},
		{"cS+++++++++", transport.Put, tree.Socket, tree.Done, tree.New, false},
		{"cD+++++++++", transport.Put, tree.BlockDevice, tree.Done, tree.New, false},
		{"cDc........", transport.Put, tree.CharDevice, tree.Done, tree.Content, false},
	}
	for _, tt := range tests {
		if got := letters(tt.d, tree.Entry{Kind: tt.kind}, tree.Verdict{Answer: tt.answer, Change: tt.change}, tt.compared); got != tt.want {
			t.Errorf("%v %v %b: %q, want %q", tt.kind, tt.answer, tt.change, got, tt.want)
		}
	}
}

func TestListed(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{
		"a/":           listed("a", tree.Entry{Kind: tree.Dir}, ""),
		"./":           listed(".", tree.Entry{Kind: tree.Dir}, ""),
		`a\nb -> c\td`: listed("a\nb", tree.Entry{Kind: tree.Symlink, Link: "c\td"}, ""),
		"a => b":       listed("a", tree.Entry{Kind: tree.Hardlink}, "b"),
		`a\xff`:        listed("a\xff", tree.Entry{Kind: tree.File}, ""),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
