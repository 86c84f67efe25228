//go:build linux

package host

import (
	"os"
	"slices"
	"strings"
)

// Variables of this process that a guest gets: these, and those that begin with one of passedPrefixes.
var (
	passed         = []string{"PATH", "HOME", "USER", "LANG", "TERM", "NO_COLOR", "CI"}
	passedPrefixes = []string{"RDMA", "GO"}
)

// neededPath is what a guest's PATH has in any case: the command "on" is in the first, the network's tools in the next.
var neededPath = []string{"/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}

// environment returns a guest's environment, from this process's own and the --env options.
func environment(own, extra []string) []string {
	env := map[string]string{"TMPDIR": "/tmp", "RDMA_TEST": "required"}
	for _, entry := range own {
		name, value, _ := strings.Cut(entry, "=")
		ofPrefix := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
		if slices.Contains(passed, name) || slices.ContainsFunc(passedPrefixes, ofPrefix) {
			env[name] = value
		}
	}
	for _, entry := range extra {
		name, value, ok := strings.Cut(entry, "=")
		if !ok {
			value = os.Getenv(name)
		}
		env[name] = value
	}
	path := strings.FieldsFunc(env["PATH"], func(r rune) bool { return r == ':' })
	for _, dir := range neededPath {
		if !slices.Contains(path, dir) {
			path = append(path, dir)
		}
	}
	env["PATH"] = strings.Join(path, ":")
	var list []string
	for name, value := range env {
		list = append(list, name+"="+value)
	}
	slices.Sort(list)
	return list
}
