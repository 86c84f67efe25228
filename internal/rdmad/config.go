package rdmad

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/knadh/koanf/parsers/toml/v2"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"

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
	device       string
	transport    string
	landlock     string // auto, require or off
	chunkSize    int
	slots        int
	maxSessions  int
	drainTimeout time.Duration
	admin        *address // nil: none
	metrics      *address // nil: none
	logLevel     slog.Level
	logFormat    string
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
	DrainTimeout string               `koanf:"drain-timeout"`
	Admin        string               `koanf:"admin"`
	Metrics      string               `koanf:"metrics"`
	LogLevel     string               `koanf:"log-level"`
	LogFormat    string               `koanf:"log-format"`
	Export       map[string]rawExport `koanf:"export"`
}

// rawExport is a table [export.NAME] of the file.
type rawExport struct {
	Path     string   `koanf:"path"`
	ReadOnly bool     `koanf:"read_only"`
	Read     []string `koanf:"read"`
	Write    []string `koanf:"write"`
}

const (
	// delim parts keys from keys below them. Names of exports have no slash.
	delim     = "/"
	envPrefix = "RDMAD_"
)

// load reads the configuration: file, then environment, then flags. fallback is
// the file that is read if it exists and no other is named.
func load(flags *pflag.FlagSet, environ []string, fallback string) (config, error) {
	k := koanf.New(delim)
	name := configFile(flags, environ, fallback)
	if err := loadFile(k, name); err != nil {
		return config{}, err
	}
	exported, ignored := "", []string(nil)
	set := func(name, value string) (string, any) {
		key := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, envPrefix), "_", "-"))
		switch {
		case key == keyExport:
			exported = value
			return "", nil
		case key == keyListen:
			return key, strings.Split(value, ",")
		case key == keyConfig:
			return "", nil
		case !slices.Contains(keys(), key):
			ignored = append(ignored, name)
			return "", nil
		}
		return key, value
	}
	err := k.Load(env.Provider(delim, env.Opt{Prefix: envPrefix, TransformFunc: set, EnvironFunc: func() []string { return environ }}), nil)
	if err == nil {
		err = k.Load(posflag.ProviderWithFlag(flags, delim, k, func(f *pflag.Flag) (string, any) {
			if f.Name == keyExport || !slices.Contains(keys(), f.Name) {
				return "", nil
			}
			return f.Name, posflag.FlagVal(flags, f)
		}), nil)
	}
	var r raw
	if err == nil {
		err = k.Unmarshal("", &r)
	}
	if err != nil {
		return config{}, fault.New(fault.Usage, "reading the configuration", err, "see rdmad --help for the values that a key takes")
	}
	if err := addExports(&r, flags, exported); err != nil {
		return config{}, err
	}
	c, err := r.check()
	c.file, c.ignored = name, ignored
	return c, err
}

// configFile is the file to read; empty for none.
func configFile(flags *pflag.FlagSet, environ []string, fallback string) string {
	if name, _ := flags.GetString(keyConfig); name != "" {
		return name
	}
	for _, kv := range environ {
		if name, ok := strings.CutPrefix(kv, envPrefix+"CONFIG="); ok && name != "" {
			return name
		}
	}
	if _, err := os.Stat(fallback); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return fallback
}

// loadFile reads a file, if there is one.
func loadFile(k *koanf.Koanf, name string) error {
	if name == "" {
		return nil
	}
	if err := k.Load(file.Provider(name), toml.Parser()); err != nil {
		fix := "see that the file exists and that rdmad may read it"
		if where := position(err); where != "" {
			err, fix = errors.New(where+": "+err.Error()), "the file is TOML; see rdmad --help for an example"
		}
		return fault.New(fault.Usage, "reading "+name, err, fix)
	}
	return checkKeys(name, k.Raw())
}
