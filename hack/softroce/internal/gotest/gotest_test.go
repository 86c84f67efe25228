package gotest

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestRewriteOfATestBinary(t *testing.T) {
	args := []string{
		"/tmp/b001/pkg.test", "-test.testlogfile=/tmp/b001/testlog.txt", "-test.paniconexit0", "-test.timeout=10m0s",
		"-test.coverprofile=/tmp/b001/_cover_.out", "-test.gocoverdir=/tmp/b001/gocoverdir", "-test.v=test2json",
		"-test.outputdir=/src", "-test.cpuprofile=cpu.out",
	}
	p := Rewrite(args, []string{"HOME=/root", "GOCOVERDIR=cover"}, "/src/pkg", "/share")
	want := []string{
		"/tmp/b001/pkg.test", "-test.testlogfile=/share/out0/testlog.txt", "-test.paniconexit0", "-test.timeout=10m0s",
		"-test.coverprofile=/share/out1/_cover_.out", "-test.gocoverdir=/share/out2/gocoverdir", "-test.v=test2json",
		"-test.outputdir=/share/out3/src", "-test.cpuprofile=cpu.out",
	}
	if !slices.Equal(p.Args, want) {
		t.Errorf("arguments\ngot  %q\nwant %q", p.Args, want)
	}
	if want := []string{"HOME=/root", "GOCOVERDIR=/share/out4/cover"}; !slices.Equal(p.Env, want) {
		t.Errorf("environment: got %q, want %q", p.Env, want)
	}
	if want := []string{"out0", "out1", "out2/gocoverdir", "out3/src", "out4/cover"}; !slices.Equal(p.Dirs(), want) {
		t.Errorf("folders: got %q, want %q", p.Dirs(), want)
	}
}

func TestRewriteOfARelativeProfile(t *testing.T) {
	p := Rewrite([]string{"./pkg.test", "-test.memprofile=mem.out"}, nil, "/src/pkg", "/share")
	if want := "-test.memprofile=/share/out0/mem.out"; p.Args[1] != want {
		t.Errorf("got %q, want %q", p.Args[1], want)
	}
	if want := "/src/pkg/mem.out"; p.outputs[0].host != want {
		t.Errorf("got %q, want %q", p.outputs[0].host, want)
	}
}

func TestRewriteLeavesOtherCommandsAlone(t *testing.T) {
	args := []string{"sh", "-c", "x=1 outputdir=/tmp", "--coverprofile=x", "-test.v", "-test.trace="}
	if p := Rewrite(args, nil, "/", "/share"); !slices.Equal(p.Args, args) || len(p.outputs) != 0 {
		t.Errorf("got %q with outputs %v", p.Args, p.outputs)
	}
}

func TestPaths(t *testing.T) {
	p := Rewrite([]string{"/tmp/a", "b/c", "-f=/tmp/d"}, []string{"PATH=/bin:/sbin", "X=y"}, "/", "/share")
	if want := []string{"/tmp/a", "/tmp/d", "/bin", "/sbin"}; !slices.Equal(p.Paths(), want) {
		t.Errorf("got %q, want %q", p.Paths(), want)
	}
}

func TestCopyBack(t *testing.T) {
	share, host := t.TempDir(), t.TempDir()
	p := Rewrite([]string{"x.test", "-test.coverprofile=c.out", "-test.trace=never.out", "-test.gocoverdir=cov"},
		nil, host, "/share")
	for _, dir := range p.Dirs() {
		if err := os.MkdirAll(filepath.Join(share, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"out0/c.out", "out2/cov/covmeta"} {
		if err := os.WriteFile(filepath.Join(share, name), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.CopyBack(share); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"c.out": "out0/c.out", "cov/covmeta": "out2/cov/covmeta"} {
		if got, err := os.ReadFile(filepath.Join(host, name)); err != nil || string(got) != want {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, want)
		}
	}
	if _, err := os.Stat(filepath.Join(host, "never.out")); err == nil {
		t.Error("a file that the command did not leave was made")
	}
}
