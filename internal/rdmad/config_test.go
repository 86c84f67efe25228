package rdmad

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/server"
)

// loadArgs loads a configuration as Main would. An empty file is none.
func loadArgs(t *testing.T, file string, environ, args []string) (config, error) {
	t.Helper()
	fallback := filepath.Join(t.TempDir(), "config.toml")
	if file != "" {
		if err := os.WriteFile(fallback, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	flags := pflag.NewFlagSet("rdmad", pflag.ContinueOnError)
	addFlags(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return load(flags, environ, []place{{name: fallback}})
}

func TestLoadDefaults(t *testing.T) {
	t.Parallel()
	got, err := loadArgs(t, "", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := config{
		listen:    []address{{text: "127.0.0.1:7471", host: "127.0.0.1", port: 7471}},
		chunkSize: 4 << 20, slots: 16, maxSessions: 32, maxClient: 16, operators: []string{}, drainTimeout: 30 * time.Second, stallTimeout: time.Hour,
		logLevel: slog.LevelInfo, logFormat: "auto", transport: "auto", landlock: "auto",
	}
	got.written = raw{} // is what it was made of
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(config{}, address{})); diff != "" {
		t.Error(diff)
	}
}

func TestLoadPrecedence(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := `
listen = ["[::1]:1", "unix:/run/x.sock"]
insecure = true
device = "file"
log-level = "debug"
chunk-size = 65536
slots = 1
max-sessions = 2
drain-timeout = "5m"
stall-timeout = "0"
[export.a]
path = "` + dir + `"
[export."b.c"]
path = "` + dir + `"
read_only = true
`
	environ := []string{"RDMAD_DEVICE=env", "RDMAD_SLOTS=3", "RDMAD_LOG_FORMAT=json", "RDMAD_EXPORT=d=" + dir + ":ro,a=/none", "RDMAD_SERVICE_HOST=10.0.0.1", "PATH=/bin"}
	args := []string{"--device=flag", "--max-sessions=4", "--export=a=" + dir + ":ro"}
	got, err := loadArgs(t, file, environ, args)
	if err != nil {
		t.Fatal(err)
	}
	want := config{
		listen:   []address{{text: "[::1]:1", host: "::1", port: 1}, {text: "unix:/run/x.sock", unix: "/run/x.sock"}},
		insecure: true, device: "flag", transport: "auto", landlock: "auto", chunkSize: 64 << 10, slots: 3, maxSessions: 4, maxClient: 16, operators: []string{},
		drainTimeout: 5 * time.Minute, stallTimeout: 0, logLevel: slog.LevelDebug, logFormat: "json",
		exports: []server.Export{
			{Name: "a", Path: dir, ReadOnly: true},
			{Name: "b.c", Path: dir, ReadOnly: true},
			{Name: "d", Path: dir, ReadOnly: true},
		},
		file:    got.file, // a temporary one
		ignored: []string{"RDMAD_SERVICE_HOST"},
	}
	got.written = raw{} // is what it was made of
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(config{}, address{})); diff != "" {
		t.Error(diff)
	}
	got, err = loadArgs(t, `listen = "127.0.0.1:1"`, []string{"RDMAD_LISTEN=127.0.0.1:2,127.0.0.1:3"}, nil)
	if err != nil || len(got.listen) != 2 || got.listen[1].port != 3 {
		t.Errorf("a variable does not come before the file: %+v, %v", got.listen, err)
	}
}

func TestLoadErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	tests := []struct {
		name    string
		file    string
		environ []string
		args    []string
		say     string
	}{
		{name: "not TOML", file: "listen = [", say: "line 1"},
		{name: "twice", file: "slots = 1\nslots = 2", say: "slots"},
		{name: "no transport", file: "transport = 'udp'", say: "give auto, rdma or tcp"},
		{name: "a device for TCP", args: []string{"--transport=tcp", "--device=mlx5_0"}, say: "the device is one for RDMA"},
		{name: "unknown key", file: "chunk_size = 1", say: "did you mean chunk-size?"},
		{name: "key of no kind", file: "zzzzzzzz = 1", say: "the keys are"},
		{name: "unknown key of an export", file: "[export.a]\npath = '/'\nreadonly = true", say: "did you mean read_only?"},
		{name: "export as a word", file: "export = 'a=/'", say: "table of its own"},
		{name: "export as words", file: "[export]\na = '/'", say: "export.a"},
		{name: "export without a path", file: "[export.a]\nread_only = true", say: "directory is missing"},
		{name: "bool", file: "insecure = 'maybe'", say: "insecure"},
		{name: "number", environ: []string{"RDMAD_SLOTS=many"}, say: "slots"},
		{name: "slots", args: []string{"--slots=0"}, say: "from 1 to 1024"},
		{name: "sessions", args: []string{"--max-sessions=-1"}, say: "from 1 to"},
		{name: "chunk", args: []string{"--chunk-size=1GiB"}, say: "4.0 KiB to 64 MiB"},
		{name: "no chunk", args: []string{"--chunk-size=big"}, say: "4.0 KiB to 64 MiB"},
		{name: "time without a unit", file: "drain-timeout = 30", say: "with its unit"},
		{name: "time below zero", args: []string{"--drain-timeout=-1s"}, say: "with its unit"},
		{name: "time that is none", args: []string{"--stall-timeout=soon"}, say: "stall-timeout"},
		{name: "level", args: []string{"--log-level=loud"}, say: "debug, info, warn or error"},
		{name: "format", args: []string{"--log-format=xml"}, say: "auto, text or json"},
		{name: "no listener", file: "listen = []", say: "no address"},
		{name: "no port", args: []string{"--listen=127.0.0.1"}, say: "host:port"},
		{name: "port by name", args: []string{"--listen=127.0.0.1:http"}, say: "not a port"},
		{name: "socket without a path", args: []string{"--listen=unix:"}, say: "unix:/path"},
		{name: "export form", args: []string{"--export=/srv"}, say: "NAME=DIR"},
		{name: "export name", args: []string{"--export=a/b=" + dir}, say: "letters, digits"},
		{name: "hidden export name", args: []string{"--export=.a=" + dir}, say: "letters, digits"},
		{name: "export twice", args: []string{"--export=a=" + dir, "--export=a=/"}, say: "two exports"},
		{name: "no such file", args: []string{"--config=/none/at/all"}, say: "exists"},
		{name: "no such file by variable", environ: []string{"RDMAD_CONFIG=/none/at/all"}, say: "exists"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := loadArgs(t, tt.file, tt.environ, tt.args)
			f, ok := fault.As(err)
			if !ok || f.Code != fault.Usage || f.Fix == "" {
				t.Fatalf("not a whole usage fault: %#v", err)
			}
			if text := f.Error() + " " + f.Fix; !strings.Contains(text, tt.say) {
				t.Errorf("%q does not say %q", text, tt.say)
			}
		})
	}
}

func TestExportThatIsNoDirectory(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, file + ".none"} {
		if _, err := loadArgs(t, "", nil, []string{"--export=a=" + dir}); fault.CodeOf(err) != fault.NotExport {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

func TestHelpGolden(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	if code := Main(t.Context(), []string{"--help"}, IO{Stdout: &out, Stderr: &errs, Env: []string{}}, nil, nil); code != 0 || errs.Len() > 0 {
		t.Fatalf("exit code %d, %s", code, &errs)
	}
	const name = "testdata/help.txt"
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(name, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Errorf("%s differs; UPDATE_GOLDEN=1 go test writes it anew:\n%s", name, diff)
	}
}

// What a reload does not put into force is named.
func TestNeedRestart(t *testing.T) {
	t.Parallel()
	was := raw{Listen: []string{"a"}, Slots: 16, LogLevel: "info", Export: map[string]rawExport{"a": {Path: "/a"}}}
	is := raw{Listen: []string{"a", "b"}, Slots: 8, LogLevel: "debug"}
	if got := needRestart(was, is); !slices.Equal(got, []string{"listen", "slots"}) {
		t.Errorf("it names %v", got)
	}
	if got := needRestart(was, was); got != nil {
		t.Errorf("where nothing has changed, it names %v", got)
	}
}
