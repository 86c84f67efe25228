//go:build linux

package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/rdmacp/rdmacp/hack/softroce/internal/gotest"
	"github.com/rdmacp/rdmacp/hack/softroce/internal/kernel"
	"github.com/rdmacp/rdmacp/hack/softroce/internal/session"
	"github.com/rdmacp/rdmacp/hack/softroce/internal/spec"
)

// hangDump is how long the guests have to print what they were at, once the time limit is over.
const hangDump = 2 * time.Second

// longestDir keeps the paths of the sockets below what the kernel takes for one.
const longestDir = 70

// testbed is one run: its guests, and the command for the first.
type testbed struct {
	o       *Options
	dir     string
	cwd     string
	started tscSample
	nodes   []*node
	wires   []io.Closer // or the hubs in their place
	plan    gotest.Plan
	lose    context.CancelCauseFunc // ends the run, since a guest went away
}

// once is run without another try.
func once(ctx context.Context, o *Options) (code int, err error) {
	ctx, lose := context.WithCancelCause(ctx)
	defer lose(nil)
	t := &testbed{o: o, started: sampleTSC(), lose: lose}
	if t.cwd, err = os.Getwd(); err != nil {
		return 0, err
	}
	if t.dir, err = tempDir(); err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(t.dir) }()
	defer t.kill()
	t.plan = gotest.Rewrite(o.Command, environment(os.Environ(), o.Env), t.cwd, spec.ShareDir)
	if err := t.start(ctx); err != nil {
		return 0, err
	}
	aborted := make(chan struct{})
	finished := context.AfterFunc(ctx, func() {
		t.abort(ctx)
		close(aborted)
	})
	code, err = t.play(ctx)
	if !finished() {
		<-aborted
		// Whatever the abort made of the command, only what the guests say last is of interest.
		err = t.lastWords()
		if cause := context.Cause(ctx); errors.Is(cause, errLost) {
			err = cause
		}
	}
	return code, err
}

func tempDir() (string, error) {
	parent := os.TempDir()
	if len(parent) > longestDir {
		parent = "/tmp"
	}
	return os.MkdirTemp(parent, "softroce-")
}

// start starts every guest. It is done from the main goroutine, see Pdeathsig.
func (t *testbed) start(ctx context.Context) error {
	k, err := kernel.Find(t.o.cache, t.o.Kernel)
	if err != nil {
		return err
	}
	initrd, modules, err := pack(ctx, k, t.o)
	if err != nil {
		return err
	}
	ends, err := t.wire(ctx)
	if err != nil {
		return err
	}
	g, err := t.guest(k, modules)
	if err != nil {
		return err
	}
	for i := range t.o.Nodes {
		g.Node = i + 1
		n := &node{name: spec.NodeName(i + 1), guest: g, machine: machine{
			options: t.o, node: i + 1, dir: t.dir, image: k.Image, initrd: initrd, disk: g.Disk, tscKHz: t.started.kHz(),
		}, ends: ends[i]}
		if err := t.prepare(ctx, n); err != nil {
			return fmt.Errorf("%s: %w", n.name, err)
		}
		t.nodes = append(t.nodes, n)
		if err := n.start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// wire makes the wires that join the nodes, and returns the ends of each node's where there are two; else there are hubs.
func (t *testbed) wire(ctx context.Context) ([][]*os.File, error) {
	ends := make([][]*os.File, t.o.Nodes)
	if t.o.Nodes == 1 {
		return ends, nil
	}
	for number := range t.o.Rails + 1 {
		if t.o.Nodes > 2 {
			hub, err := startHub(ctx, t.dir, number)
			if err != nil {
				return nil, err
			}
			t.wires = append(t.wires, hub)
			continue
		}
		w, err := newWire()
		if err != nil {
			return nil, err
		}
		t.wires = append(t.wires, w)
		ends[0], ends[1] = append(ends[0], w[0]), append(ends[1], w[1])
	}
	return ends, nil
}

// guest returns the spec, but for the node's number.
func (t *testbed) guest(k kernel.Kernel, modules []string) (spec.Guest, error) {
	g := spec.Guest{
		Nodes: t.o.Nodes, Rails: t.o.Rails, MTU: t.o.MTU, RXE: !t.o.NoRXE,
		HugePages: t.o.HugePages, Memlock: t.o.Memlock, Disk: t.o.Disk != "0",
		Modules: modules,
	}
	var err error
	if g.Netem, err = t.o.netem(g.Wires()); err != nil {
		return g, err
	}
	// In the guest there is no other way to it than the host's root.
	if g.ModuleDir, err = filepath.EvalSymlinks(filepath.Dir(k.Modules)); err != nil {
		return g, err
	}
	g.Reveal = hidden(append([]string{t.cwd}, t.plan.Paths()...))
	return g, nil
}

// prepare makes the folder and the disk that a node's QEMU is given.
func (t *testbed) prepare(ctx context.Context, n *node) error {
	for _, dir := range append(t.plan.Dirs(), collectName) {
		if err := os.MkdirAll(filepath.Join(n.shareDir(), dir), 0o755); err != nil {
			return err
		}
	}
	if !n.disk {
		return nil
	}
	out, err := exec.CommandContext(ctx, "mkfs.ext4", "-q", "-F", n.diskFile(), t.o.Disk).CombinedOutput()
	if err != nil {
		return fmt.Errorf("make the scratch disk: mkfs.ext4: %w: %s", err, out)
	}
	return nil
}

// play waits for the guests, runs the peers' command and the command, and brings back what they left.
func (t *testbed) play(ctx context.Context) (int, error) {
	for _, n := range t.nodes {
		if err := n.awaitReady(); err != nil {
			return 0, err
		}
		if t.o.Verbose {
			fmt.Fprintf(os.Stderr, "vm: %s is up after %.1f s\n", n.name, time.Since(t.started.at).Seconds())
		}
	}
	for _, n := range t.nodes[1:] {
		go t.keep(ctx, n)
	}
	out := newOutput(os.Stdout, os.Stderr, t.o.Nodes > 1)
	defer out.flush()
	peers, err := t.startPeers(out)
	if err != nil {
		return 0, err
	}
	first := t.nodes[0].current()
	stdio := out.of(first.name)
	stdio.Stdin = os.Stdin
	result, err := session.Run(first.conn, t.command(t.plan.Args), stdio)
	if err != nil {
		return 0, first.explain(err)
	}
	if result.Error != "" {
		fmt.Fprintln(os.Stderr, "vm:", result.Error)
	}
	peers.stop()
	t.collect(peers)
	for _, n := range t.nodes {
		if err := t.plan.CopyBack(n.shareDir()); err != nil {
			return 0, fmt.Errorf("%s: %w", n.name, err)
		}
	}
	return result.Code, nil
}

func (t *testbed) command(args []string) session.Command {
	return session.Command{Args: args, Dir: t.cwd, Env: t.plan.Env}
}

// abort ends the guests: at once if the user has had enough, else after they printed what they were at.
func (t *testbed) abort(ctx context.Context) {
	if errors.Is(context.Cause(ctx), errTimeout) {
		for _, n := range t.nodes {
			n.debugHang()
		}
		time.Sleep(hangDump)
	}
	t.killAll()
}

// lastWords returns the end of every console, as an error.
func (t *testbed) lastWords() error {
	var all []error
	for _, n := range t.nodes {
		all = append(all, fmt.Errorf("%s: last of its console:\n%s", n.name, n.consoleTail()))
	}
	return errors.Join(all...)
}

// killAll ends the guests.
func (t *testbed) killAll() {
	var all sync.WaitGroup
	for _, n := range t.nodes {
		all.Go(n.kill)
	}
	all.Wait()
}

// kill ends what start started.
func (t *testbed) kill() {
	t.killAll()
	for _, w := range t.wires {
		_ = w.Close()
	}
}

// hidden returns the paths that a guest's own /tmp and /run would hide.
func hidden(paths []string) []string {
	var found []string
	for _, path := range paths {
		path = filepath.Clean(path)
		if !strings.HasPrefix(path, "/tmp/") && !strings.HasPrefix(path, "/run/") {
			continue
		}
		if _, err := os.Stat(path); err == nil {
			found = append(found, path)
		}
	}
	return found
}
