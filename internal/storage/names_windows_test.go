package storage

import "testing"

func TestHoldable(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a", "console", "nul1", "com", "COM10", ".hidden", "a b", "é", "lpt", "x.con"} {
		if err := holdable(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"a:b", `a\b`, "a?", "a\x01", "a.", "a ", "nul", "Con.txt", "aux .c", "COM1", "lpt³.x", "conin$", "\xff"} {
		if holdable(name) == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
