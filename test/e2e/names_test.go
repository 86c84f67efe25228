//go:build linux

package e2e

import (
	"strings"
	"testing"
)

// TestIntoDirectory copies into directories, named with and without a slash.
func TestIntoDirectory(t *testing.T) {
	tr := newTrial(t)
	for _, source := range tr.lab.nodes() {
		src := random(t, source, dataDir+"/leaf", 5000)
		for _, slash := range []string{"", "/"} {
			t.Run("from "+source.name+" to dir"+slash, func(t *testing.T) {
				sub := tr.within(t)
				dir := dataDir + "/dir" + map[string]string{"": "", "/": "-slash"}[slash]
				d := sub.across(src, dir+"/leaf")
				must(t, d.host, "mkdir -p %s", dir)
				into := file{d.host, dir, ""}
				sub.rdmacp(d, nil, src.arg(), into.arg()+slash).wait().copied(t)
			})
		}
	}
}

// TestOverExisting replaces files that are there, a read-only one too.
func TestOverExisting(t *testing.T) {
	tr := newTrial(t)
	for _, source := range tr.lab.nodes() {
		src := random(t, source, dataDir+"/fresh", 100_000)
		for _, mode := range []string{"0644", "0444"} {
			t.Run("from "+source.name+" over mode "+mode, func(t *testing.T) {
				sub := tr.within(t)
				d := sub.across(src, dataDir+"/stood"+mode)
				must(t, d.host, "echo old >%s; chmod %s %s", d.path, mode, d.path)
				sub.copy(d).copied(t)
				if got, want := attributes(t, d.file), attributes(t, src); got != want {
					t.Errorf("%s has %s, want %s", d.path, got, want)
				}
			})
		}
	}
}

// TestRefusals asks for what cannot be: nothing is made, and the answer says
// what is wrong.
func TestRefusals(t *testing.T) {
	tr := newTrial(t)
	l := tr.lab
	src := random(t, l.here, dataDir+"/refused", 5000)
	must(t, l.there, "echo secret >%s/file; mkdir -p %s/folder; mkfifo %s/fifo", outside, dataDir, dataDir)
	for name, c := range map[string]struct {
		args  []string
		dest  file // what must not appear
		exit  int
		code  string
		words string
	}{
		"put to a read-only export": {
			args: []string{src.path, there + "::ro/x"}, dest: file{l.there, roDir + "/x", ""},
			exit: 3, code: "read_only", words: there + "|ro",
		},
		"put outside of the exports": {
			args: []string{src.path, there + ":" + outside + "/x"}, dest: file{l.there, outside + "/x", ""},
			exit: 3, code: "not_export", words: there + "|" + outside + "|" + dataDir,
		},
		"put to an export that is none": {
			args: []string{src.path, there + "::nosuch/x"}, dest: file{l.there, dataDir + "/x", ""},
			exit: 3, code: "not_export", words: there + "|nosuch",
		},
		"put out of an export by dots": {
			args: []string{src.path, there + "::data/../outside/x"}, dest: file{l.there, outside + "/x", ""},
			exit: 1, code: "usage", words: "..",
		},
		"put to a folder that is not there": {
			args: []string{src.path, there + ":" + dataDir + "/nosuch/x"}, dest: file{l.there, dataDir + "/nosuch", ""},
			exit: 23, code: "not_found", words: there + "|nosuch",
		},
		"get what is not there": {
			args: []string{there + ":" + dataDir + "/nosuch", dataDir + "/x"}, dest: file{l.here, dataDir + "/x", ""},
			exit: 23, code: "not_found", words: there + "|nosuch",
		},
		"get outside of the exports": {
			args: []string{there + ":" + outside + "/file", dataDir + "/x"}, dest: file{l.here, dataDir + "/x", ""},
			exit: 3, code: "not_export", words: there + "|" + outside,
		},
		"get a folder": {
			args: []string{there + ":" + dataDir + "/folder", dataDir + "/x"}, dest: file{l.here, dataDir + "/x", ""},
			exit: 23, code: "not_regular", words: there + "|folder",
		},
		"get a FIFO": {
			args: []string{there + ":" + dataDir + "/fifo", dataDir + "/x"}, dest: file{l.here, dataDir + "/x", ""},
			exit: 23, code: "not_regular", words: there + "|fifo",
		},
		"put what is not there": {
			args: []string{dataDir + "/nosuch", there + ":" + dataDir + "/x"}, dest: file{l.there, dataDir + "/x", ""},
			exit: 23, code: "not_found", words: "nosuch",
		},
		"no daemon": {
			args: []string{"--port=7999", src.path, there + ":" + dataDir + "/x"}, dest: file{l.there, dataDir + "/x", ""},
			exit: 10, code: "unreachable", words: there + "|7999|rdmad",
		},
		"no host": {
			args: []string{src.path, "nosuchhost:" + dataDir + "/x"}, dest: file{l.there, dataDir + "/x", ""},
			exit: 10, code: "unreachable", words: "nosuchhost",
		},
	} {
		t.Run(name, func(t *testing.T) {
			sub := tr.within(t)
			d := sub.to(file{}, c.dest.host, c.dest.path)
			sub.rdmacp(d, nil, c.args...).wait().failed(t, c.exit, c.code, strings.Split(c.words, "|")...)
		})
	}
}

// TestNoPermission has a daemon of a user who may not do what is asked.
func TestNoPermission(t *testing.T) {
	tr := newTrial(t)
	l := tr.lab
	nobody := []string{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"}
	must(t, l.there, "mkdir -p -m 0700 %s/closed; chmod 0700 %s/closed; echo secret >%s/closed-file; chmod 0600 %s/closed-file",
		dataDir, dataDir, dataDir, dataDir)
	d, err := l.startDaemon(nobody, "--insecure", "--listen", "0.0.0.0:7472", "--export", "data="+dataDir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if code, err := d.stop(); err != nil || code != 0 {
			t.Errorf("nobody's daemon ended with %d, %v\n%s", code, err, d.log.String())
		}
	}()
	src := random(t, l.here, dataDir+"/refused", 5000)
	for name, c := range map[string]struct {
		args []string
		dest *destination
	}{
		"put": {[]string{src.path, there + ":" + dataDir + "/closed/x"}, tr.to(file{}, l.there, dataDir+"/closed/x")},
		"get": {[]string{there + ":" + dataDir + "/closed-file", dataDir + "/x"}, tr.to(file{}, l.here, dataDir+"/x")},
	} {
		t.Run(name, func(t *testing.T) {
			tr.within(t).rdmacp(c.dest, nil, append([]string{"--port=7472"}, c.args...)...).wait().
				failed(t, 23, "permission", there, "closed", "permission denied")
		})
	}
}
