package verbs

import (
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
)

// redacted is what a key prints as.
const redacted = "redacted"

// Key is the lkey or rkey of a memory region. An rkey is a capability: who holds it reaches the memory. So a key never
// prints, by any verb of fmt, by slog or as JSON; what must send one converts it to uint32.
type Key uint32

// String hides the value.
func (Key) String() string { return redacted }

// Format hides the value for every verb.
func (Key) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// LogValue hides the value from slog.
func (Key) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText hides the value from encoders, such as slog's JSON handler given a struct that holds a Key.
func (Key) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Access is enum ibv_access_flags: what may be done with a memory region or through a queue pair.
type Access uint32

// The access flags. Reading a region locally needs none. Remote writes need AccessLocalWrite too.
const (
	AccessLocalWrite Access = 1 << iota
	AccessRemoteWrite
	AccessRemoteRead
	AccessRemoteAtomic
	AccessMWBind
	AccessZeroBased
	AccessOnDemand
	AccessHugeTLB

	// AccessRelaxedOrdering lets the device write the region out of order; a device that can't ignores it.
	AccessRelaxedOrdering Access = 1 << 20
)

// Writes reports whether somebody may write.
func (a Access) Writes() bool {
	return a&(AccessLocalWrite|AccessRemoteWrite|AccessRemoteAtomic) != 0
}

// String joins the flags' names in the C header, without their prefix.
func (a Access) String() string {
	return flags(uint32(a), []string{
		0: "LOCAL_WRITE", 1: "REMOTE_WRITE", 2: "REMOTE_READ", 3: "REMOTE_ATOMIC", 4: "MW_BIND",
		5: "ZERO_BASED", 6: "ON_DEMAND", 7: "HUGETLB", 20: "RELAXED_ORDERING",
	})
}

// flags joins the names of the bits that are set; bits without a name are printed as one number.
func flags(v uint32, names []string) string {
	if v == 0 {
		return "0"
	}

	var parts []string
	for bit, n := range names {
		if n != "" && v&(1<<bit) != 0 {
			parts = append(parts, n)
			v &^= 1 << bit
		}
	}
	if v != 0 {
		parts = append(parts, "0x"+strconv.FormatUint(uint64(v), 16))
	}

	return strings.Join(parts, "|")
}
