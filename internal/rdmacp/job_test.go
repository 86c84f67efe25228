package rdmacp

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
)

func TestNewJob(t *testing.T) {
	t.Parallel()
	put, err := newJob([]string{"a", "h:/b"})
	if err != nil || put.direction != transport.Put || put.local != "a" || put.remote.Path != "/b" {
		t.Errorf("put: %+v, %v", put, err)
	}
	get, err := newJob([]string{"h::e/b", "a"})
	if err != nil || get.direction != transport.Get || get.local != "a" || get.remote.Export != "e" {
		t.Errorf("get: %+v, %v", get, err)
	}
}

func TestNewJobErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		args []string
		say  string
	}{
		{nil, "missing"},
		{[]string{"a"}, "one name only"},
		{[]string{"a", "b", "h:/c"}, "several sources"},
		{[]string{"a", "b"}, "use cp"},
		{[]string{"h:/a", "h:/b"}, "two others"},
		{[]string{"-", "h:/b"}, "standard input"},
		{[]string{"h:/b", "-"}, "standard input"},
		{[]string{"h:/", "b"}, "is a directory"},
		{[]string{"h:/a/..", "b"}, "is a directory"},
		{[]string{"h::e", "b"}, "is a directory"},
		{[]string{"h:a", "b"}, "relative"},
		{[]string{"a", "h:b"}, "relative"},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			t.Parallel()
			_, err := newJob(tt.args)
			f, ok := fault.As(err)
			if !ok || f.Code != fault.Usage || f.Fix == "" {
				t.Fatalf("not a whole usage fault: %#v", err)
			}
			if text := f.Error() + " " + f.Fix; !strings.Contains(text, tt.say) {
				t.Errorf("%q does not say %q", text, tt.say)
			}
		})
	}
}

func TestLocalTarget(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		local, want string
		code        fault.Code
	}{
		{dir, filepath.Join(dir, "base"), fault.OK},
		{dir + "/", filepath.Join(dir, "base"), fault.OK},
		{file, file, fault.OK},
		{dir + "/new", dir + "/new", fault.OK},
		{dir + "/no/new", dir + "/no/new", fault.OK}, // for whoever creates it
		{dir + "/new/", "", fault.NotFound},
		{file + "/", "", fault.NotRegular},
	}
	for _, tt := range tests {
		t.Run(tt.local, func(t *testing.T) {
			t.Parallel()
			j := job{local: tt.local, remote: remote{Path: "/x/base"}}
			got, err := j.localTarget()
			if got != tt.want || fault.CodeOf(err) != tt.code {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}
