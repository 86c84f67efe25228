package rdmad

import (
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"

	"github.com/rdmacp/rdmacp/internal/conffile"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/mtls"
	"github.com/rdmacp/rdmacp/internal/server"
)

// config is how the daemon runs.
type config struct {
	listen       []address
	insecure     bool
	tls          mtls.Files      // all empty: no TLS
	exports      []server.Export // by name
	limits       []server.Limit
	device       string
	transport    string
	landlock     string // auto, require or off
	chunkSize    int
	slots        int
	maxSessions  int
	maxClient    int
	operators    []string
	drainTimeout time.Duration
	stallTimeout time.Duration // 0: none
	admin        *address      // nil: none
	metrics      *address      // nil: none
	logLevel     slog.Level
	logFormat    string
	written      raw      // what all that was read from
	file         string   // that it was read from; empty for none
	ignored      []string // variables that look like ours and are none
}

// raw is the configuration as it is written, before it is checked.
type raw struct {
	Listen       []string             `koanf:"listen"`
	Insecure     bool                 `koanf:"insecure"`
	TLSCert      string               `koanf:"tls-cert"`
	TLSKey       string               `koanf:"tls-key"`
	TLSCA        string               `koanf:"tls-ca"`
	TLSCRL       string               `koanf:"tls-crl"`
	Device       string               `koanf:"device"`
	Transport    string               `koanf:"transport"`
	Landlock     string               `koanf:"landlock"`
	ChunkSize    string               `koanf:"chunk-size"`
	Slots        int                  `koanf:"slots"`
	MaxSessions  int                  `koanf:"max-sessions"`
	MaxClient    int                  `koanf:"max-client-sessions"`
	Operators    []string             `koanf:"operators"`
	DrainTimeout string               `koanf:"drain-timeout"`
	StallTimeout string               `koanf:"stall-timeout"`
	Admin        string               `koanf:"admin"`
	Metrics      string               `koanf:"metrics"`
	LogLevel     string               `koanf:"log-level"`
	LogFormat    string               `koanf:"log-format"`
	Export       map[string]rawExport `koanf:"export"`
	Client       map[string]rawClient `koanf:"client"`
}

// rawExport is a table [export.NAME] of the file.
type rawExport struct {
	Path     string   `koanf:"path"`
	ReadOnly bool     `koanf:"read_only"`
	Read     []string `koanf:"read"`
	Write    []string `koanf:"write"`
}

const (
	delim     = conffile.Delim
	envPrefix = "RDMAD_"
)

// settings are the configuration as it was found.
type settings struct {
	raw
	file    string            // that was read; empty for none
	ignored []string          // variables that look like ours and are none
	from    map[string]string // where a key, or export/NAME, was said; what is not in it has its default
	values  *koanf.Koanf      // all but the exports
}

// load reads and checks the configuration. Of the files in places the first that exists is read, if
// no other is named.
func load(flags *pflag.FlagSet, environ []string, places []place) (config, error) {
	s, err := find(flags, environ, places)
	if err != nil {
		return config{}, err
	}
	c, err := s.check()
	c.written, c.file, c.ignored = s.raw, s.file, s.ignored
	return c, err
}

// find reads the configuration: file, then environment, then flags.
func find(flags *pflag.FlagSet, environ []string, places []place) (*settings, error) {
	k := koanf.New(delim)
	file := configFile(flags, environ, places)
	s := &settings{file: file.name, from: map[string]string{}, values: k}
	if file.name != "" {
		if err := form().Load(k, file.name, file.trusted); err != nil {
			return nil, err
		}
	}
	for _, key := range k.Keys() {
		s.from[conffile.Setting(key)] = s.file
	}
	exported := ""
	set := func(name, value string) (string, any) {
		key := conffile.Variable(envPrefix, name)
		switch {
		case key == keyExport:
			exported = value
			return "", nil
		case key == keyConfig:
			return "", nil
		case key == keyClient || !slices.Contains(keys(), key):
			s.ignored = append(s.ignored, name)
			return "", nil
		}
		s.from[key] = name
		if key == keyListen || key == keyOperators {
			return key, strings.Split(value, ",")
		}
		return key, value
	}
	err := k.Load(env.Provider(delim, env.Opt{Prefix: envPrefix, TransformFunc: set, EnvironFunc: func() []string { return environ }}), nil)
	if err == nil {
		err = k.Load(posflag.ProviderWithFlag(flags, delim, k, func(f *pflag.Flag) (string, any) {
			if f.Name == keyExport || !slices.Contains(keys(), f.Name) {
				return "", nil
			}
			if f.Changed {
				s.from[f.Name] = "--" + f.Name
			}
			return f.Name, posflag.FlagVal(flags, f)
		}), nil)
	}
	if err == nil {
		err = k.Unmarshal("", &s.raw)
	}
	if err != nil {
		return nil, fault.New(fault.Usage, "reading the configuration", err, "see rdmad --help for the values that a key takes")
	}
	return s, s.addExports(flags, exported)
}
