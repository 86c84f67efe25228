package redact

import (
	"net/netip"
	"regexp"
	"strings"
	"unicode"
)

// What is known by how it looks.
var (
	homes = regexp.MustCompile("(/home/|/Users/|/root\\b)[^\\s\"'`:;,)]*")
	pem   = regexp.MustCompile(`(?s)-----BEGIN [^-]*-----.*?(-----END [^-]*-----|$)`)
	said  = regexp.MustCompile(`(?i)\b((?:[a-z_-]*)(?:token|password|passwd|secret|api[_-]?key|private[_-]?key)["']?\s*[:=]\s*|authorization:\s*|bearer\s+)\S+`)
	login = regexp.MustCompile(`://[^/\s@]+@`)
	// Numbers in base 16, UUIDs, and what is in base 64.
	number  = regexp.MustCompile(`(?i)[0-9a-f]{32,}|\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b`)
	long    = regexp.MustCompile(`[A-Za-z0-9+_-]{32,}={0,2}`)
	address = regexp.MustCompile(`[0-9A-Fa-f]*[:.][0-9A-Fa-f:.]+`)
	// Of a NIC's own numbers: Ethernet's, and the GUIDs of RDMA devices.
	hardware = regexp.MustCompile(`(?i)\b[0-9a-f]{2}(:[0-9a-f]{2}){5}\b|\b[0-9a-f]{4}(:[0-9a-f]{4}){3}\b`)
)

const redacted = "[redacted]"

// secrets replaces what looks like a key, a password or a token, and the long numbers that
// containers are called by.
func secrets(s string) string {
	s = pem.ReplaceAllString(s, redacted)
	s = said.ReplaceAllString(s, "${1}"+redacted)
	s = login.ReplaceAllString(s, "://"+redacted+"@")
	s = number.ReplaceAllString(s, redacted)
	return long.ReplaceAllStringFunc(s, func(t string) string {
		if random(t) {
			return redacted
		}
		return t
	})
}

// random reports whether a long word is none that a person has made up: it has letters of
// both cases, and digits.
func random(s string) bool {
	return strings.ContainsFunc(s, unicode.IsDigit) && strings.ContainsFunc(s, unicode.IsUpper) && strings.ContainsFunc(s, unicode.IsLower)
}

// addresses replaces IP addresses, and those of hardware. Loopback's are everybody's.
func (r *Redactor) addresses(s string) string {
	s = address.ReplaceAllStringFunc(s, func(t string) string {
		// Behind an address there may be a port, or what ends a sentence.
		for rest := t; rest != ""; rest = rest[:max(0, strings.LastIndexAny(rest, ":."))] {
			if a, err := netip.ParseAddr(rest); err == nil {
				return r.address(a.Unmap(), rest) + t[len(rest):]
			}
			if trimmed := strings.TrimRight(rest, ":."); trimmed != rest {
				if a, err := netip.ParseAddr(trimmed); err == nil {
					return r.address(a.Unmap(), trimmed) + t[len(trimmed):]
				}
			}
		}
		return t
	})
	return hardware.ReplaceAllStringFunc(s, func(t string) string { return r.placeholder("hw", strings.ToLower(t)) })
}

// address is what stands for an address, which is written as text.
func (r *Redactor) address(a netip.Addr, text string) string {
	switch {
	case a.IsLoopback(), a.IsUnspecified():
		return text
	case a.IsLinkLocalUnicast():
		return r.placeholder("link-local", a.String())
	case a.Is4():
		return r.placeholder("ipv4", a.String())
	}
	return r.placeholder("ipv6", a.String())
}
