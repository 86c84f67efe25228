//go:build linux

package guest

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/rdmacp/rdmacp/hack/softroce/internal/spec"
)

// setUpRXE makes one Soft-RoCE device per rail and waits until their ports are active.
func setUpRXE(g spec.Guest) error {
	if !g.RXE {
		return nil
	}
	var links strings.Builder
	for r := range g.Rails {
		fmt.Fprintf(&links, "link add rxe%d type rxe netdev %s\n", r, netdev(r))
	}
	if err := batch(links.String(), "rdma"); err != nil {
		return err
	}
	for r := range g.Rails {
		if err := awaitActive(fmt.Sprintf("rxe%d", r)); err != nil {
			return err
		}
	}
	return nil
}

func awaitActive(device string) error {
	name := "/sys/class/infiniband/" + device + "/ports/1/state"
	var state []byte
	for range 300 {
		var err error
		if state, err = os.ReadFile(name); err != nil {
			return err
		}
		if strings.Contains(string(state), "ACTIVE") {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("port 1 of %s is %q, not ACTIVE, after 3 s", device, strings.TrimSpace(string(state)))
}
