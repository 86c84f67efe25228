package docs

import (
	"reflect"
	"testing"
)

func TestCommands(t *testing.T) {
	t.Parallel()
	for script, want := range map[string][][]string{
		"":                                 nil,
		"# rdmacp a b":                     nil,
		"rdmacp a  b # c":                  {{"rdmacp", "a", "b"}},
		"a 'b c'd \"e f\" g\\ h":           {{"a", "b cd", "e f", "g h"}},
		"a ''":                             {{"a", ""}},
		"a && b; c | d\ne & f":             {{"a"}, {"b"}, {"c"}, {"d"}, {"e"}, {"f"}},
		"a \\\n  b":                        {{"a", "b"}},
		"a >b 2>&1 c <d >>e":               {{"a", "c"}},
		"a#b":                              {{"a#b"}},
		"(a > b; c)":                       {{"a"}, {"c"}},
		"x=1 a 4 >/dev/null":               {{"x=1", "a", "4"}},
		`sh -c 'hostname; ulimit -l' # no`: {{"sh", "-c", "hostname; ulimit -l"}},
	} {
		if got := Commands(script); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %q, want %q", script, got, want)
		}
	}
}
