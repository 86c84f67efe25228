package rdmacp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// yields are settings that give way to what goes before them, where both at once would be
// a contradiction: key, or key=value, by what it gives way to.
var yields = map[string][]string{
	"device":            {"transport=tcp"},
	"transport=tcp":     {"device", "require-zero-copy=true"},
	"require-zero-copy": {"transport=tcp", "source=buffered", "sink=buffered"},
	"source=buffered":   {"require-zero-copy=true"},
	"sink=buffered":     {"require-zero-copy=true"},
	"read-back":         {"no-verify=true"},
	"token":             {"insecure=true", "tls-ca", "tls-cert", "tls-key", "tls-crl", "via-ssh=true"},
	"insecure":          {"token", "tls-ca", "tls-cert", "tls-key", "tls-crl", "via-ssh=true"},
	"tls-ca":            {"token", "insecure=true", "via-ssh=true"},
	"tls-cert":          {"token", "insecure=true", "via-ssh=true"},
	"tls-key":           {"token", "insecure=true", "via-ssh=true"},
	"tls-crl":           {"token", "insecure=true", "via-ssh=true"},
	keyViaSSH:           {"token", "insecure=true", "tls-ca", "tls-cert", "tls-key", "tls-crl", "port"},
}

// resolve is what holds of a host beside what flags say.
func (s *settings) resolve(host string, flags *pflag.FlagSet) (layer, error) {
	layers, err := s.layers(host)
	if err != nil {
		return nil, err
	}
	taken, before := layer{}, map[string]bool{} // what was said before, as key and as key=value
	flags.Visit(func(f *pflag.Flag) {
		before[f.Name], before[f.Name+"="+f.Value.String()] = true, true
	})
	for _, l := range layers {
		now := layer{}
		for key, v := range l {
			if !before[key] && !gives(key, v.text, before) {
				now[key] = v
			}
		}
		if now[keyViaSSH].text == "true" { // it has keys of its own
			for _, key := range append(fileKeys(), "insecure") {
				delete(now, key)
			}
		}
		for key, v := range now {
			taken[key] = v
			before[key], before[key+"="+v.text] = true, true
		}
	}
	return taken, nil
}

// gives reports whether a setting gives way to what was said before.
func gives(key, text string, before map[string]bool) bool {
	for _, to := range slices.Concat(yields[key], yields[key+"="+text]) {
		if before[to] {
			return true
		}
	}
	return false
}

// adopt puts what is configured into the place of the flags that were not given.
func (o *options) adopt(flags *pflag.FlagSet, taken layer) error {
	o.configured = taken
	for _, key := range append(keys(), keyAddress) {
		v, ok := taken[key]
		if !ok {
			continue
		}
		if key == keyAddress {
			host, err := parseAddress(v.text)
			if err != nil {
				return fault.New(fault.Usage, fmt.Sprintf("reading the setting %s = %s (%s)", key, v.text, v.from), err, "give the name or the address of a host, or unix:/path of a socket; the port is a key of its own")
			}
			o.address = host
			continue
		}
		flag := flags.Lookup(key)
		if flag == nil {
			continue
		}
		if err := flag.Value.Set(v.text); err != nil {
			if f, ok := fault.As(err); ok {
				err = f.Why
			}
			return badSetting(key, v, err)
		}
	}
	return nil
}

// parseAddress reads where a host is.
func parseAddress(text string) (string, error) {
	if strings.HasPrefix(text, unixSocket) || strings.Count(text, ":") > 1 && !strings.HasPrefix(text, "[") {
		text = "[" + text + "]"
	}
	return parseHost(text)
}

// blame adds to the fault of a flag's value where it was said, if that was not by a flag.
func (o *options) blame(err error) error {
	f, ok := fault.As(err)
	if !ok {
		return err
	}
	var from []string
	for _, word := range strings.FieldsFunc(f.What, func(r rune) bool { return r == ' ' || r == '=' || r == ',' }) {
		if v, ok := o.configured[strings.TrimPrefix(word, "--")]; ok && strings.HasPrefix(word, "--") {
			from = append(from, fmt.Sprintf("%s is said by %s", word, v.from))
		}
	}
	if len(from) == 0 {
		return err
	}
	told := *f
	told.Fix += "; " + strings.Join(from, ", ")
	return &told
}

// given reports whether somebody has said what a flag is to be.
func (o *options) given(flags *pflag.FlagSet, name string) bool {
	_, ok := o.configured[name]
	return ok || changed(flags, name)
}
