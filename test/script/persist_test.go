package script

import (
	"bufio"
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A copy goes on by itself when the daemon is ended in the middle of it, in whatever way,
// and comes back; and does not send again what had come to stay.
func TestPersists(t *testing.T) {
	notShort(t)
	t.Parallel()
	const size = 40 << 20
	content := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{2}).Read(content)
	for _, direction := range []string{"put", "get"} {
		for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
			t.Run(direction+"/"+signal.String(), func(t *testing.T) {
				t.Parallel()
				dir, here := t.TempDir(), t.TempDir()
				from, to := filepath.Join(here, "big"), "127.0.0.1::data/copy"
				source, copied := from, filepath.Join(dir, "copy")
				if direction == "get" {
					from, to = "127.0.0.1::data/big", filepath.Join(here, "copy")
					source, copied = filepath.Join(dir, "big"), to
				}
				must(t, os.WriteFile(source, content, 0o600))
				daemon, port := daemonProcess(t, dir, "0")
				client, out, stderr := process(t, "rdmacp", "--transport=tcp", "--json", "--bwlimit=16M", "--port="+port, from, to)
				lines := bufio.NewScanner(out)
				kinds, last := map[string]int{}, summary{}
				for ended := false; lines.Scan(); {
					must(t, json.Unmarshal(lines.Bytes(), &last))
					kinds[last.Type]++
					if !ended && last.Type == "progress" && last.Bytes >= 24<<20 {
						ended = true
						must(t, daemon.Process.Signal(signal))
						_ = daemon.Wait()
						time.Sleep(time.Second) // at least one try finds nobody
						_, _ = daemonProcess(t, dir, port)
					}
				}
				if err := client.Wait(); err != nil {
					t.Fatalf("%v: %s", err, stderr)
				}
				switch {
				case kinds["start"] != 2 || kinds["retry"] < 1 || kinds["summary"] != 1:
					t.Errorf("the lines are %v", kinds)
				case last.Earlier.Connections < 1 || last.Earlier.Bytes < 24<<20:
					t.Errorf("the summary says %+v", last)
				case last.Resumed < 1<<20 || last.Resumed+last.Bytes != size:
					t.Errorf("the summary says %+v", last)
				}
				if !strings.Contains(stderr.String(), "trying to go on in ") {
					t.Errorf("it has said %q", stderr)
				}
				if got, err := os.ReadFile(copied); err != nil || !bytes.Equal(got, content) {
					t.Errorf("the copy differs, %v", err)
				}
			})
		}
	}
}

// summary is what of a line of --json counts here.
type summary struct {
	line
	Earlier struct{ Connections, Bytes int64 }
}
