//go:build linux

package host

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/rdmacp/rdmacp/hack/softroce/internal/gotest"
	"github.com/rdmacp/rdmacp/hack/softroce/internal/session"
	"github.com/rdmacp/rdmacp/hack/softroce/internal/spec"
)

// collectName is the folder of a node's share through which collected files go.
const collectName = "collect"

// collect brings back what --collect names from every node. What is not there is reported, and no more.
func (t *testbed) collect(p *peers) {
	for _, n := range t.nodes {
		for _, path := range t.o.Collect {
			err := fmt.Errorf("its command does not end")
			if p.running[n.current()] == nil {
				err = t.collectOne(n, path)
			}
			if err != nil {
				fmt.Fprintf(os.Stderr, "vm: %s: collect %s: %v\n", n.name, path, err)
			}
		}
	}
}

func (t *testbed) collectOne(n *node, path string) error {
	share := spec.ShareDir + "/" + collectName
	result, err := session.Run(n.current().conn, t.command([]string{"cp", "-rL", "--", path, share}),
		session.Stdio{Stdout: io.Discard, Stderr: os.Stderr})
	if err != nil {
		return err
	}
	if result.Code != 0 {
		return fmt.Errorf("cp: exit status %d %s", result.Code, result.Error)
	}
	name := filepath.Base(path)
	return gotest.CopyTree(filepath.Join(n.shareDir(), collectName, name), filepath.Join(t.o.Output, n.name, name))
}
