package rdmacp

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/user"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/device"
	"github.com/rdmacp/rdmacp/internal/doctor"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/mtls"
	"github.com/rdmacp/rdmacp/internal/redact"
)

// members are the files of a bundle: what was found, and what it was found from.
func (a *app) members(host doctor.Host, found []doctor.Finding, p patient) ([]member, error) {
	r := a.redactor(host, found, p)
	var checks bytes.Buffer
	for _, f := range found {
		l := newCheckLine(f)
		l.Host, l.Observed, l.Expected, l.Fix = r.Text(l.Host), r.Text(l.Observed), r.Text(l.Expected), r.Text(l.Fix)
		if err := writeLine(&checks, l); err != nil {
			return nil, err
		}
	}
	rails, err := host.Rails()
	if err != nil { // why is among what was found
		rails = []device.Rail{}
	}
	facts, err1 := r.JSON(host.Facts(rails))
	ports, err2 := r.JSON(rails)
	built, err3 := json.MarshalIndent(thisBuild(), "", "  ") // the commit looks like a secret, and is none
	return []member{
		{"doctor.jsonl", "the checks, as --json has them", checks.Bytes()},
		{"host.json", "kernel, limits, cgroups, what the ports have counted", facts},
		{"devices.json", "the RDMA ports", ports},
		{"build.json", "which rdmacp this is", append(built, '\n')},
	}, errors.Join(err1, err2, err3)
}

// inBrackets is a path that explains a name.
var inBrackets = regexp.MustCompile(`\((/[^)]*)\)`)

// redactor knows of the hosts, people and paths that a run of doctor may have met. This
// host is the first one.
func (a *app) redactor(host doctor.Host, found []doctor.Finding, p patient) *redact.Redactor {
	r := redact.New()
	if name, err := os.Hostname(); err == nil {
		r.Host(name)
	}
	if p.remote != nil {
		if socket, ok := strings.CutPrefix(p.remote.Host, unixSocket); ok {
			r.Path(socket)
		} else {
			r.Host(p.remote.Host)
		}
		r.Word("export", p.remote.Export)
		r.Path(p.remote.Path)
	}
	r.Path(p.dir)
	for _, key := range []string{"USER", "LOGNAME", "SUDO_USER"} {
		r.User(a.io.Getenv(key))
	}
	r.Path(a.io.Getenv("HOME"))
	if u, err := user.Current(); err == nil {
		r.User(u.Username)
		r.Path(u.HomeDir)
	}
	if f, ok := a.opts.find(a.dirs()); ok {
		for _, name := range []string{f.CA, f.Cert, f.Key, f.CRL} {
			if !strings.HasPrefix(name, "/etc/") {
				r.Path(name)
			}
		}
	}
	if host.TLS != nil {
		for _, name := range host.TLS.Names() {
			r.User(name)
		}
	}
	for _, f := range found {
		for _, name := range f.Exports {
			r.Word("export", name)
		}
		if f.Fault != nil && f.Fault.Code == fault.NotExport { // it says which there are, and where
			for _, dir := range inBrackets.FindAllStringSubmatch(f.Observed, -1) {
				r.Path(dir[1])
			}
		}
		var other *mtls.MisnamedError
		if f.Fault != nil && errors.As(f.Fault, &other) {
			for _, name := range other.Names {
				r.Host(name)
			}
		}
	}
	return r
}

// build is what this program is.
type build struct {
	Version  string            `json:"version"`
	Go       string            `json:"go"`
	Settings map[string]string `json:"settings"`
}

// builtWith are the settings of a build that say nothing of who has built it, and where.
var builtWith = []string{
	"-compiler", "-race", "-tags", "-trimpath", "CGO_ENABLED", "GOARCH", "GOOS", "GOAMD64", "GOARM64", "GOEXPERIMENT", "vcs.modified", "vcs.revision", "vcs.time",
}

// thisBuild reads what the linker has left of the build.
func thisBuild() build {
	b := build{Version: console.Version(), Go: runtime.Version(), Settings: map[string]string{}}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if slices.Contains(builtWith, s.Key) {
				b.Settings[s.Key] = s.Value
			}
		}
	}
	return b
}
