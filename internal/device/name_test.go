package device

import (
	"testing"

	"github.com/rdmacp/rdmacp/internal/fault"
)

func TestParseName(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]railName{
		"": {}, "rxe0": {device: "rxe0"}, "rxe0/1": {device: "rxe0", port: 1}, "mlx5_0/255": {device: "mlx5_0", port: 255},
	} {
		if got, err := parseName(in); err != nil || got != want {
			t.Errorf("parseName(%q) = %+v, %v", in, got, err)
		}
	}
	for _, in := range []string{"/", "/1", "rxe0/", "rxe0/0", "rxe0/x", "rxe0/-1", "rxe0/256", "rxe0/1/1"} {
		if got, err := parseName(in); fault.CodeOf(err) != fault.Usage {
			t.Errorf("parseName(%q) = %+v, %v", in, got, err)
		}
	}
}

func TestEditDistance(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"", "abc", 3},
		{"abc", "", 3},
		{"rxe0", "rxe0", 0},
		{"rxe0", "rxe1", 1},
		{"rxe", "rxe0", 1},
		{"kitten", "sitting", 3},
		{"mlx5_0", "rxe0", 4},
	} {
		if got := editDistance(c.a, c.b); got != c.want {
			t.Errorf("editDistance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
