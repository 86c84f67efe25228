package rdmad

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/rdmacp/rdmacp/internal/conffile"
)

// systemFile is the host's configuration.
const systemFile = "/etc/rdmad/config.toml"

// place is where a configuration may be.
type place struct {
	name    string
	trusted func(fs.FileInfo) error // whether it is one to go by; nil if whoever has named it says so
}

// places are where it is looked for if nobody says where it is: the user's own, then the host's. It is
// one of the two and not both: what the host exports is not for each user to export once more.
func places(environ []string) (all []place) {
	dir := variable(environ, "XDG_CONFIG_HOME")
	if home := variable(environ, "HOME"); dir == "" && home != "" {
		dir = filepath.Join(home, ".config")
	}
	if dir != "" {
		all = append(all, place{filepath.Join(dir, "rdmad", "config.toml"), conffile.Own})
	}
	return append(all, place{name: systemFile})
}

// configFile is the file to read; without a name, there is none.
func configFile(flags *pflag.FlagSet, environ []string, places []place) place {
	flag, _ := flags.GetString(keyConfig)
	if name := cmp.Or(flag, variable(environ, envPrefix+"CONFIG")); name != "" {
		return place{name: name}
	}
	for _, p := range places {
		_, err := os.Stat(p.name)
		if err == nil || p.trusted == nil && !errors.Is(err, fs.ErrNotExist) { // a home that is out of reach has none
			return p
		}
	}
	return place{}
}

// variable is the value of an environment variable; empty if it has none.
func variable(environ []string, name string) string {
	for _, kv := range environ {
		if value, ok := strings.CutPrefix(kv, name+"="); ok {
			return value
		}
	}
	return ""
}
