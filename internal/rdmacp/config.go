package rdmacp

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/v2"

	"github.com/rdmacp/rdmacp/internal/conffile"
	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/fault"
)

const (
	envPrefix   = "RDMACP_"
	envFile     = envPrefix + "CONFIG" // the one file to read
	configName  = "config.toml"
	keyHost     = "host"    // [host.NAME]
	keyAddress  = "address" // of such a host
	keyViaSSH   = "via-ssh"
	systemDir   = "/etc/rdmacp"
	unsaid      = "default"
	hostsByName = `what holds for one host is a table of its own: [host.NAME], below it address = "10.0.0.7"`
)

// keys are what may be configured: by which way a daemon is reached, and who the two ends
// are. What is copied, overwritten or removed is said by who does it, each time.
func keys() []string {
	return []string{
		"port", "connect-timeout", "device", "transport", "encrypt", "qps", "rails", "bwlimit", "retry-for", "chunk-size", "slots",
		keyViaSSH, "rsh", "rdmad-path", "tls-ca", "tls-cert", "tls-key", "tls-crl", "token", "insecure",
		"source", "sink", "require-zero-copy", "read-back", "progress",
	}
}

// fileKeys are those of them that name a file.
func fileKeys() []string { return []string{"tls-ca", "tls-cert", "tls-key", "tls-crl", "token"} }

// switches are those of them that are on or off.
func switches() []string {
	return []string{"encrypt", keyViaSSH, "insecure", "require-zero-copy", "read-back"}
}

// said is what a setting was given, and where.
type said struct{ text, from string }

// say makes one of what is written.
func say(key, text, from string) said {
	if on, err := strconv.ParseBool(text); err == nil && slices.Contains(switches(), key) {
		text = strconv.FormatBool(on)
	}
	return said{text, from}
}

// layer is what one source says: of all hosts, or of one.
type layer map[string]said

// settings is what the files and the environment say.
type settings struct {
	files   []*confFile // the one that goes first, first
	environ layer
	ignored []string // variables that look like ours and are none
}

// confFile is one of the files.
type confFile struct {
	name   string
	values *koanf.Koanf
	home   string
}

// readSettings reads the files in dirs, the first of which goes first, and the environment.
func readSettings(o IO, dirs []string) (*settings, error) {
	s := &settings{environ: layer{}}
	form := conffile.Form{Program: "rdmacp", Keys: keys(), Tables: []conffile.Table{
		{Kind: keyHost, Form: hostsByName, Keys: append(keys(), keyAddress)},
	}}
	home := cmp.Or(o.Getenv("HOME"), o.Getenv("USERPROFILE"))
	add := func(name string, trusted func(fs.FileInfo) error) error {
		f := &confFile{name, koanf.New(conffile.Delim), home}
		s.files = append(s.files, f)
		return form.Load(f.values, name, trusted)
	}
	if name := o.Getenv(envFile); name != "" {
		if err := add(name, nil); err != nil {
			return nil, err
		}
		dirs = nil
	}
	for _, dir := range dirs {
		name, trusted := filepath.Join(dir, configName), conffile.Own
		if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if dir == systemDir {
			trusted = conffile.Closed // in a user namespace, root's files seem to be nobody's
		}
		if err := add(name, trusted); err != nil {
			return nil, err
		}
	}
	return s, s.readEnviron(o.Environ())
}

// readEnviron reads the variables.
func (s *settings) readEnviron(environ []string) error {
	k := koanf.New(conffile.Delim)
	err := k.Load(env.Provider(conffile.Delim, env.Opt{Prefix: envPrefix, EnvironFunc: func() []string { return environ }, TransformFunc: func(name, value string) (string, any) {
		key := conffile.Variable(envPrefix, name)
		switch {
		case !slices.Contains(keys(), key):
			if name != envFile {
				s.ignored = append(s.ignored, name)
			}
		case value != "":
			s.environ[key] = say(key, value, name)
		}
		return key, value
	}}), nil)
	if err != nil {
		return fault.New(fault.Usage, "reading the environment", err, "see rdmacp --help for the values that a setting takes")
	}
	slices.Sort(s.ignored)
	return nil
}

// slips are the variables that mean nothing, and nearly something. What is short is near to
// a lot.
func (s *settings) slips() (lines []string) {
	for _, name := range s.ignored {
		key := conffile.Variable(envPrefix, name)
		if near := console.Nearest(key, keys()); near != "" && len(key) > 4 {
			lines = append(lines, fmt.Sprintf("the environment variable %s means nothing; did you mean %s?", name, envPrefix+strings.ToUpper(strings.ReplaceAll(near, "-", "_"))))
		}
	}
	return lines
}

// hosts are those of whom something is said.
func (s *settings) hosts() (names []string) {
	for _, f := range s.files {
		names = append(names, f.values.MapKeys(keyHost)...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// layers are what is said of a host, what goes first, first; an empty host is any.
func (s *settings) layers(host string) ([]layer, error) {
	layers := []layer{s.environ}
	for _, f := range s.files {
		if host != "" {
			l, err := f.layer(keyHost + conffile.Delim + host + conffile.Delim)
			if err != nil {
				return nil, err
			}
			layers = append(layers, l)
		}
		l, err := f.layer("")
		if err != nil {
			return nil, err
		}
		layers = append(layers, l)
	}
	return layers, nil
}

// layer is what a file says of the keys below prefix.
func (f *confFile) layer(prefix string) (layer, error) {
	l := layer{}
	for _, key := range append(keys(), keyAddress) {
		if !f.values.Exists(prefix + key) {
			continue
		}
		var text string
		switch v := f.values.Get(prefix + key).(type) {
		case string:
			text = v
		case bool, int64:
			text = fmt.Sprint(v)
		default:
			return nil, badSetting(key, said{fmt.Sprint(v), f.name}, errors.New("it is no text, whole number, true or false"))
		}
		if slices.Contains(fileKeys(), key) {
			text = f.path(text)
		}
		l[key] = say(key, text, f.name)
	}
	return l, nil
}

// path is a file that is named in the configuration: from the home directory on, or from
// where the configuration lies.
func (f *confFile) path(name string) string {
	if below, ok := strings.CutPrefix(name, "~/"); ok && f.home != "" {
		return filepath.Join(f.home, below)
	}
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(f.name), name)
}

// badSetting is the fault of a setting's value.
func badSetting(key string, v said, why error) error {
	return fault.New(fault.Usage, fmt.Sprintf("reading the setting %s = %s (%s)", key, v.text, v.from), why, "see rdmacp --help for the values that --"+key+" takes")
}
