package rdmad

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/pflag"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// Whatever is in the file, it is a configuration within its bounds, or an error that says what is wrong.
func FuzzConfig(f *testing.F) {
	for _, text := range []string{
		"", "listen = [\"127.0.0.1:7471\", \"unix:/run/x\"]\nlog-level = \"debug\"\n", "[export.a]\npath = \"/\"\nread = [\"x*\"]\n",
		"[client.a]\nmatch = [\"*\"]\nrate = \"1GB\"\nmax_bytes = \"3\"\nowner = \"0:0\"\n", "slots = 3\nslots = 4\n", "[export]\na = 3\n", "chunk-size = 1e9\n", "[client.\"a/b\"]\nmatch = \"x\"\n", "\xff = 1",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		name := filepath.Join(t.TempDir(), "config.toml")
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		flags := pflag.NewFlagSet("rdmad", pflag.ContinueOnError)
		addFlags(flags)
		if err := flags.Set(keyConfig, name); err != nil {
			t.Fatal(err)
		}
		c, err := load(flags, nil, nil)
		if err != nil {
			if e, ok := fault.As(err); !ok || e.Why == nil || e.Code != fault.Usage && e.Code != fault.NotExport {
				t.Errorf("%v", err)
			}
			return
		}
		for _, l := range c.limits {
			if len(l.Match) == 0 || l.Rate < 0 || l.Bytes < 0 {
				t.Errorf("accepted %+v", l)
			}
		}
		if c.slots < 1 || c.maxSessions < 1 || c.maxClient < 1 || c.chunkSize < 1 || c.drainTimeout < 0 || c.stallTimeout < 0 || len(c.listen) == 0 {
			t.Errorf("accepted %+v", c)
		}
	})
}
