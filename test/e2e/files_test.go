//go:build linux

package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// absent is the digest of a file that is not there.
const absent = "absent"

// file is a file on a node.
type file struct {
	host *node
	path string
	sum  string // of its content, by sha256; empty if it is too long to be read
}

// arg is the file's name as an argument of rdmacp.
func (f file) arg() string {
	if f.host.name == there {
		return there + ":" + f.path
	}
	return f.path
}

// random makes a file of that many random bytes. Its mode and its time are some
// that no default has.
func random(t *testing.T, n *node, path string, size int) file {
	t.Helper()
	out := must(t, n, `head -c %d /dev/urandom >%s && chmod 0640 %s && touch -d @1700000000.123456789 %s && sha256sum <%s`,
		size, path, path, path, path)
	return file{n, path, strings.Fields(out)[0]}
}

// bigSize takes a slow copy some seconds, and is more than is sent ahead of an answer.
const bigSize = 20 << 20

// bigFile returns a file of bigSize on the node, the same for all tests.
func (tr *trial) bigFile(n *node) file {
	tr.t.Helper()
	f, ok := tr.lab.big[n]
	if !ok {
		f = random(tr.t, n, dataDir+"/big", bigSize)
		tr.lab.big[n] = f
	}
	return f
}

// endless are flags that no copy of bigFile comes to the end with.
var endless = []string{"--bwlimit=512KiB", "--chunk-size=64KiB"}

// digests returns the digests of files by their names; absent for those that are
// not there.
func digests(n *node, paths ...string) (map[string]string, error) {
	out, err := n.sh("sha256sum %s; true", strings.Join(paths, " "))
	if err != nil {
		return nil, err
	}
	sums := map[string]string{}
	for _, path := range paths {
		sums[path] = absent
	}
	for text := range strings.Lines(out) {
		sum, path, ok := strings.Cut(strings.TrimSpace(text), "  ")
		if _, asked := sums[path]; ok && asked && len(sum) == 64 {
			sums[path] = sum
		} else if !strings.HasSuffix(strings.TrimSpace(text), ": No such file or directory") {
			return nil, fmt.Errorf("sha256sum on %s: %s", n.name, text)
		}
	}
	return sums, nil
}

// digest returns the digest of a file, or absent.
func (tr *trial) digest(n *node, path string) string {
	tr.t.Helper()
	sums, err := digests(n, path)
	if err != nil {
		tr.t.Fatal(err)
	}
	return sums[path]
}

// attributes returns the mode, size and time of a file.
func attributes(t *testing.T, f file) string {
	t.Helper()
	return must(t, f.host, "stat -c 'mode %%a, %%s bytes, mtime %%.9Y' %s", f.path)
}
