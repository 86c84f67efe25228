package check

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The programs do what the manifests have them do: rdmad starts with the configuration, the probes tell whether it runs,
// a copy comes to the export, and rdmacp doctor knows its flags. Only the paths and the port are others.
func TestRuns(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	o := b.pod("")
	b.secret()
	pod := o.daemons.Spec.Template.Spec
	rdmad, doctor := pod.Containers[0], pod.InitContainers[0]
	ready, alive := rdmad.ReadinessProbe.Exec.Command, rdmad.LivenessProbe.Exec.Command

	if out, err := b.command(ready...).CombinedOutput(); err == nil {
		t.Errorf("ready before it runs: %s", out)
	}
	stop := b.start(rdmad.Command)
	said := b.wait(ready)
	b.run(alive...)
	b.write("file", "what is copied")
	_, port, _ := strings.Cut(said.Listening[0], ":")
	b.run("rdmacp", "--transport", "tcp", "--port", port, "--tls-ca", b.in("pki/ca.crt"), "--tls-cert", b.in("pki/alice.crt"), "--tls-key", b.in("pki/alice.key"),
		b.in("file"), "localhost:"+b.in("srv/data/"))
	if got, err := os.ReadFile(b.in("srv/data/file")); string(got) != "what is copied" {
		t.Errorf("copied %q, %v", got, err)
	}
	stop()
	if out, err := b.command(alive...).CombinedOutput(); err == nil {
		t.Errorf("alive after it has ended: %s", out)
	}

	// Whether all is well here is no matter; that the command is one is.
	out, _ := b.command(doctor.Command...).Output()
	if !strings.Contains(string(out), "devices") || !strings.Contains(string(out), "kernel") {
		t.Errorf("%q says %s", doctor.Command, out)
	}
}

// rdmad understands what the chart makes of a value for each of its keys.
func TestConfig(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.pod(everything)
	got := b.run("rdmad", "config", "show", "--config", b.in("etc/rdmad/config.toml"))
	for _, want := range []string{
		`(?m)^listen = \["127\.0\.0\.1:0", "\[::1\]:7472"\] `, `(?m)^insecure = true `, `(?m)^transport = "rdma" `, `(?m)^slots = 8 `, `(?m)^tls-cert = "" `,
		`(?s)\[export\.data\]\npath = "[^"]*/srv/data" .*\nread_only = false .*\nread = \["gpu\*"\] .*\nwrite = \["alice", "spiffe://cluster/trainer/\*"\] `,
		`(?s)\[export\."models\.v2"\]\npath = "/srv/it's \\"models\\"" .*\nread_only = true `,
	} {
		if !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("there is no %s in\n%s", want, got)
		}
	}
}

// box is a directory that stands for the root of a pod.
type box struct {
	t   *testing.T
	dir string
}

func newBox(t *testing.T) *box {
	t.Helper()
	b := &box{t, t.TempDir()}
	for _, dir := range []string{"etc/rdmad", "etc/rdmad-tls", "run/rdmad", "srv/data", "bin"} {
		if err := os.MkdirAll(b.in(dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", b.in("bin")+"/", "./cmd/...")
	build.Dir = "../../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return b
}

func (b *box) in(name string) string { return b.dir + "/" + name }

// moved is manifests for the box.
func (b *box) moved(text string) string {
	return strings.NewReplacer("/etc/rdmad", b.in("etc/rdmad"), "/run/rdmad", b.in("run/rdmad"), "/srv/data", b.in("srv/data"), "0.0.0.0:7471", "127.0.0.1:0").Replace(text)
}

func (b *box) write(name, content string) {
	b.t.Helper()
	if err := os.WriteFile(b.in(name), []byte(content), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// pod is what the chart makes of values, for the box, with the configuration in its place.
func (b *box) pod(values string) objects {
	b.t.Helper()
	text, err := render(b.t, values)
	if err != nil {
		b.t.Fatal(err)
	}
	o, err := parse(b.moved(text))
	if err != nil {
		b.t.Fatal(err)
	}
	b.write("etc/rdmad/config.toml", o.config.Data["config.toml"])
	return o
}

// secret makes what the secret has, as docs/kubernetes.md does.
func (b *box) secret() {
	b.t.Helper()
	b.run("rdmad", "pki", "--dir", b.in("pki"), "init")
	b.run("rdmad", "pki", "--dir", b.in("pki"), "issue", "rdmad", "--host", "localhost", "--host", "127.0.0.1")
	b.run("rdmad", "pki", "--dir", b.in("pki"), "issue", "alice")
	for key, file := range map[string]string{"tls.crt": "rdmad.crt", "tls.key": "rdmad.key", "ca.crt": "ca.crt", "ca.crl": "ca.crl"} {
		content, err := os.ReadFile(b.in("pki/" + file))
		if err != nil {
			b.t.Fatal(err)
		}
		b.write("etc/rdmad-tls/"+key, string(content))
	}
}

// command is a command of the pod, by the programs of this tree.
func (b *box) command(args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(b.in("bin"), args[0]), args[1:]...)
	cmd.Env = []string{"PATH=" + b.in("bin"), "HOME=" + b.dir}
	return cmd
}

func (b *box) run(args ...string) string {
	b.t.Helper()
	out, err := b.command(args...).CombinedOutput()
	if err != nil {
		b.t.Fatalf("%q: %v: %s", args, err, out)
	}
	return string(out)
}

// start starts the daemon; stop has it drain, as the end of a pod does.
func (b *box) start(args []string) (stop func()) {
	b.t.Helper()
	var log bytes.Buffer
	cmd := b.command(args...)
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	ended := false
	stop = func() {
		if ended {
			return
		}
		ended = true
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			b.t.Errorf("%q: %v: %s", args, err, log.String())
		}
	}
	b.t.Cleanup(stop)
	return stop
}

// status is what the probe has of the daemon.
type status struct{ Listening []string }

// wait waits until the probe succeeds.
func (b *box) wait(probe []string) (s status) {
	b.t.Helper()
	var out []byte
	var err error
	for range 300 {
		if out, err = b.command(probe...).Output(); err == nil {
			if err = json.Unmarshal(out, &s); err == nil && len(s.Listening) > 0 {
				return s
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	b.t.Fatalf("%q: %v: %s", probe, err, out)
	return s
}
