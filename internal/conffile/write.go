package conffile

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
)

// Writer writes settings as a file has them.
type Writer struct {
	w       *tabwriter.Writer
	origins bool
}

// NewWriter returns a Writer to w, which says behind each setting where it comes from, if
// origins is true. It is to be flushed.
func NewWriter(w io.Writer, origins bool) *Writer {
	return &Writer{tabwriter.NewWriter(w, 0, 0, 2, ' ', 0), origins}
}

// Table begins the table [kind.name].
func (w *Writer) Table(kind, name string) {
	_, _ = fmt.Fprintf(w.w, "\n[%s.%s]\n", kind, tableKey(name))
}

// Line writes a setting; errors come by Flush.
func (w *Writer) Line(key string, value any, from string) {
	if !w.origins {
		_, _ = fmt.Fprintf(w.w, "%s = %s\n", key, Literal(value))
		return
	}
	_, _ = fmt.Fprintf(w.w, "%s = %s\t# %s\n", key, Literal(value), from)
}

// Flush writes what is not written yet.
func (w *Writer) Flush() error { return w.w.Flush() }

// Literal is a value as TOML writes it.
func Literal(v any) string {
	switch v := v.(type) {
	case string:
		return strconv.Quote(v)
	case []string:
		quoted := make([]string, len(v))
		for i := range v {
			quoted[i] = strconv.Quote(v[i])
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	case []any:
		texts := make([]string, len(v))
		for i := range v {
			texts[i] = fmt.Sprint(v[i])
		}
		return Literal(texts)
	}
	return fmt.Sprint(v)
}

// tableKey is a name as TOML writes it in the head of a table.
func tableKey(name string) string {
	bare := func(r rune) bool {
		return r == '-' || r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	}
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return !bare(r) }) {
		return strconv.Quote(name)
	}
	return name
}
