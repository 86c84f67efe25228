package main

import (
	"bytes"
	"strings"
	"testing"
)

// Each row of the table is a bar; what is no table of medians is an error.
func TestDraw(t *testing.T) {
	const table = "MB/s of 128 MiB, 3 rounds; each host has 1 CPU.\n\n| what | median | spread |\n|---|---|---|\n| put | 14.2 | 11 to 17 |\n| read1 | 21.5 | 15 to 22 |\n\nTwo guests.\n"
	var out bytes.Buffer
	if err := draw(strings.NewReader(table), &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"MB/s of 128 MiB", "put", "14.2", "read1", "21.5"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("there is no %q in the drawing", want)
		}
	}
	if strings.Contains(out.String(), "Two guests") || strings.Contains(out.String(), ">what") {
		t.Error("what is no row is drawn")
	}
	if err := draw(strings.NewReader("nothing\n"), &out); err == nil {
		t.Error("nothing is drawn")
	}
}
