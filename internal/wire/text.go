package wire

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
)

// Printable returns at most n bytes of s with everything replaced that could
// steer a terminal or break a line of a log. What it returns is UTF-8, as
// strings in messages have to be: whoever puts a text into one calls it too.
func Printable(s string, n int) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			r = ' '
		case !unicode.IsPrint(r):
			r = unicode.ReplacementChar
		}
		if b.Len()+utf8.RuneLen(r) > n {
			return b.String()
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Said names what a SessionRequest or SessionResponse holds: "copy", "batch".
func Said(m proto.Message) string {
	r := m.ProtoReflect()
	if field := r.WhichOneof(r.Descriptor().Oneofs().ByName("message")); field != nil {
		return string(field.Name())
	}
	return "nothing that is known"
}
