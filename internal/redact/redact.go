// Package redact takes out of text who and where it is about, so that it can be shown to
// strangers: hosts, people, addresses, what lies in a home directory, and whatever looks
// like a secret. What is the same keeps being seen to be the same: it has one placeholder
// wherever it occurs.
package redact

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"
)

// Redactor knows what must not be said. It is for one goroutine.
type Redactor struct {
	known []secret          // the longest first
	given map[string]string // placeholders, by kind and what they stand for
	count map[string]int    // placeholders, by kind
}

// New returns a Redactor that knows of nobody by name.
func New() *Redactor {
	return &Redactor{given: map[string]string{}, count: map[string]int{}}
}

// Host keeps the name of a host from being said, with its domain and without it, and other
// names of that domain. Addresses are known without it.
func (r *Redactor) Host(name string) {
	name = strings.ToLower(strings.Trim(name, "."))
	if _, err := netip.ParseAddr(name); err == nil || name == "" || name == "localhost" {
		return
	}
	stands := r.placeholder("host", name)
	r.add(secret{name, stands, host})
	short, domain, _ := strings.Cut(name, ".")
	if domain == "" {
		return
	}
	r.given["host "+short] = stands // a name without its domain is the same host's
	r.add(secret{short, stands, host})
	if strings.Contains(domain, ".") { // who has a whole top-level domain is no secret
		r.add(secret{domain, "", zone})
	}
}

// Word keeps a name of some kind from being said, which its placeholder tells.
func (r *Redactor) Word(kind, name string) {
	if name != "" {
		r.add(secret{name, r.placeholder(kind, name), word})
	}
}

// User keeps the name of somebody from being said. Everybody knows root.
func (r *Redactor) User(name string) {
	if name != "" && name != "root" {
		r.add(secret{name, r.placeholder("user", name), word})
	}
}

// Path keeps a path from being said, and what is below it.
func (r *Redactor) Path(name string) {
	if name != "" && path.Clean(name) != "/" {
		r.add(secret{path.Clean(name), r.placeholder("path", path.Clean(name)), place})
	}
}

// Text returns s without what must not be said.
func (r *Redactor) Text(s string) string {
	return r.addresses(r.names(homes.ReplaceAllString(secrets(s), "[home]")))
}

// JSON returns v as indented JSON, in which the values have nothing that must not be said. The
// names of fields stay.
func (r *Redactor) JSON(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err = e.Encode(r.values(tree))
	return out.Bytes(), err
}

// values redacts what is text in a tree of JSON.
func (r *Redactor) values(v any) any {
	switch v := v.(type) {
	case string:
		return r.Text(v)
	case []any:
		for i := range v {
			v[i] = r.values(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = r.values(v[k])
		}
	}
	return v
}

// placeholder is what stands for something of a kind.
func (r *Redactor) placeholder(kind, name string) string {
	key := kind + " " + name
	if r.given[key] == "" {
		r.count[kind]++
		r.given[key] = fmt.Sprintf("%s-%d", kind, r.count[kind])
	}
	return r.given[key]
}

// add adds what is to be looked for. Of two that begin alike the longer one is meant.
func (r *Redactor) add(s secret) {
	if !slices.ContainsFunc(r.known, func(k secret) bool { return k.text == s.text }) {
		r.known = append(r.known, s)
	}
	slices.SortStableFunc(r.known, func(a, b secret) int { return cmp.Compare(len(b.text), len(a.text)) })
}
