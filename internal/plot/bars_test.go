package plot

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

// A drawing is well-formed, and says what it is of and how much of it there is.
func TestBars(t *testing.T) {
	b, err := Bars("CPU time", "of <both> ends", []Bar{{"read, write", 812.5}, {"sendfile", 97}})
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for d := xml.NewDecoder(strings.NewReader(string(b))); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if c, ok := token.(xml.CharData); ok {
			text.WriteString(string(c) + "\n")
		}
	}
	for _, want := range []string{"CPU time", "of <both> ends", "read, write", "812.5", "sendfile", "97"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is not in the drawing", want)
		}
	}
}
