package rdmad

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	toml "github.com/pelletier/go-toml/v2"

	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/fault"
)

// position is where in a file the error is; empty if it does not say.
func position(err error) string {
	var d *toml.DecodeError
	if !errors.As(err, &d) {
		return ""
	}
	line, column := d.Position()
	return fmt.Sprintf("line %d, column %d", line, column)
}

// checkKeys refuses keys that mean nothing: a key with a slip of the pen in it
// would otherwise leave its default in force without a word.
func checkKeys(file string, m map[string]any) error {
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if !slices.Contains(keys(), key) {
			return unknownKey(file, key, key, keys())
		}
	}
	err := checkTables(file, m, keyExport, `an export is a table of its own: [export.NAME], below it path = "/dir"`, "path", "read_only", "read", "write")
	if err != nil {
		return err
	}
	return checkTables(file, m, keyClient, `what holds for some clients is a table of its own: [client.NAME], below it match = ["gpu*"]`, "match", "rate", "max_bytes", "owner")
}

// checkTables refuses what is not known of the tables below a key; fix says how they are
// written.
func checkTables(file string, m map[string]any, above, fix string, known ...string) error {
	if m[above] == nil {
		return nil
	}
	tables, ok := m[above].(map[string]any)
	if !ok {
		return notTable(file, above, fix)
	}
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		table, ok := tables[name].(map[string]any)
		if !ok {
			return notTable(file, above+"."+name, fix)
		}
		for _, key := range slices.Sorted(maps.Keys(table)) {
			if !slices.Contains(known, key) {
				return unknownKey(file, above+"."+name+"."+key, key, known)
			}
		}
	}
	return nil
}

// unknownKey is the fault of a key that means nothing.
func unknownKey(file, path, key string, known []string) error {
	fix := fmt.Sprintf("the keys are %q", known)
	if near := console.Nearest(key, known); near != "" {
		fix = fmt.Sprintf("did you mean %s?", near)
	}
	return fault.New(fault.Usage, "reading "+file, fmt.Errorf("there is no key %q", path), fix)
}

// notTable is the fault of a value where a table has to be.
func notTable(file, path, fix string) error {
	return fault.New(fault.Usage, "reading "+file, fmt.Errorf("%q is not a table", path), fix)
}
