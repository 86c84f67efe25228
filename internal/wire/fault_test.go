package wire_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/wire"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// The codes of package fault and of the API are the same, by number and name.
func TestCodesMatchProto(t *testing.T) {
	for number, name := range pb.FaultCode_name {
		code := fault.Code(number)
		want := strings.ToLower(strings.TrimPrefix(name, "FAULT_CODE_"))
		if code == fault.OK {
			want = "ok" // what is unspecified there
		}
		if !code.Known() || code.String() != want {
			t.Errorf("%s = %d is %v here", name, number, code)
		}
	}
	if n := len(pb.FaultCode_name); fault.Code(n).Known() || !fault.Code(n-1).Known() || fault.Code(-1).Known() {
		t.Errorf("the API has %d codes, package fault another number", n)
	}
}

// codes are all codes that a fault can have.
func codes() (all []fault.Code) {
	for c := fault.Internal; c.Known(); c++ {
		all = append(all, c)
	}
	return all
}

func TestFaultRoundTrip(t *testing.T) {
	for _, c := range codes() {
		want := fullFault(c)
		got := wire.ToFault(wire.FromFault(errors.Join(want, errors.New("and more"))), "host")
		if got.Code != c || got.Host != "host" || got.What != want.What || got.Why.Error() != want.Why.Error() || got.Fix != want.Fix {
			t.Errorf("%v: got %+v, want %+v", c, got, want)
		}
	}
}

// A fault that comes back to the end where it happened is that end's again.
func TestFaultComesBack(t *testing.T) {
	there := wire.ToFault(wire.FromFault(fullFault(fault.Permission)), "client")
	if there.Host != "client" {
		t.Errorf("at the daemon it is of %q", there.Host)
	}
	if back := wire.ToFault(wire.FromFault(there), "gpu7"); back.Host != "" {
		t.Errorf("at the client it is of %q", back.Host)
	}
}

func TestFaultOdd(t *testing.T) {
	tests := []struct {
		name string
		m    *pb.Fault
		want fault.Code
	}{
		{"nil", nil, fault.Internal},
		{"empty", &pb.Fault{}, fault.Internal},
		{"unknown", &pb.Fault{Code: 9999}, fault.Internal},
		{"negative", &pb.Fault{Code: -1}, fault.Internal},
		{"no fault", wire.FromFault(errors.New("oops")), fault.Internal},
		{"without cause", wire.FromFault(fault.New(fault.Busy, "x", nil, "")), fault.Busy},
	}
	for _, tt := range tests {
		if got := wire.ToFault(tt.m, ""); got.Code != tt.want || got.Error() == "<nil>" {
			t.Errorf("%s: got %v %q", tt.name, got.Code, got)
		}
	}
}

// A fault about a file of any name can be sent, and is not longer than it may.
func TestFaultIsSendable(t *testing.T) {
	long := strings.Repeat("\xff\n", 3*wire.MaxText)
	m := wire.FromFault(fault.New(fault.IO, long, errors.New(long), long))
	if _, err := proto.Marshal(m); err != nil {
		t.Errorf("fault: %v", err)
	}
	if _, err := proto.Marshal(wire.FromFault(errors.New(long))); err != nil {
		t.Errorf("no fault: %v", err)
	}
	if proto.Size(m) > 3*wire.MaxText+64 {
		t.Errorf("it takes %d bytes", proto.Size(m))
	}
}

func TestPrintable(t *testing.T) {
	tests := []struct {
		in   string
		n    int
		want string
	}{
		{"", 5, ""},
		{"abc", 3, "abc"},
		{"abcd", 3, "abc"},
		{"äöü", 3, "ä"},
		{"a\x1b[2J", 99, "a\uFFFD[2J"},
		{"a\u009b2J", 99, "a\uFFFD2J"},
		{"a\nb\tc\u2028d", 99, "a b c d"},
		{"\u202eevil", 99, "\uFFFDevil"},
		{"\xff\xff", 3, "\uFFFD"},
		{"x", 0, ""},
	}
	for _, tt := range tests {
		if got := wire.Printable(tt.in, tt.n); got != tt.want {
			t.Errorf("Printable(%q, %d) = %q, want %q", tt.in, tt.n, got, tt.want)
		}
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add("a\x00\xff\u202e", 3)
	f.Fuzz(func(t *testing.T, s string, n int) {
		got := wire.Printable(s, n)
		if len(got) > max(n, 0) || !utf8.ValidString(got) || strings.ContainsAny(got, "\n\r\x1b\x00") {
			t.Errorf("Printable(%q, %d) = %q", s, n, got)
		}
	})
}

func TestSaid(t *testing.T) {
	request := &pb.SessionRequest{Message: &pb.SessionRequest_Copy{}}
	if got := wire.Said(request); got != "copy" {
		t.Errorf("got %q", got)
	}
	if got := wire.Said(&pb.SessionResponse{}); got != "nothing that is known" {
		t.Errorf("got %q", got)
	}
}
