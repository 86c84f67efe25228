package docs

import (
	"slices"
	"strings"
	"testing"
)

// languages are what a fence may say first; the first two are of commands.
var languages = []string{"sh", "console", "text", "toml", "ini"}

// notRun are the blocks of commands that TestDocs of package e2e does not run, by page and first command, with what does
// so in its place, or keeps it from being done.
var notRun = map[string]string{
	"README.md: make demo":      "make test is what runs this, in guests that have none of their own",
	"README.md: rdmacp devices": "make demo has printed it",
	"README.md: make package && sudo dpkg -i bin/packages/rdmacp_*.deb":                                "it asks in an editor: hack/package/test installs the package, writes what a person would, and starts rdmad",
	"docs/quickstart.md: sudo apt install ./rdmacp_*.deb":                                              "hack/newcomer installs the package so, as README.md has it",
	"docs/operating.md: sudo dpkg -i bin/packages/rdmacp_*.deb":                                        "as in README.md",
	"docs/operating.md: journalctl -u rdmad -o cat | grep 'host check'":                                "it takes systemd; TestLookAtHost of internal/rdmad reads the log",
	"docs/operating.md: grpcurl -plaintext -unix /run/rdmad/admin.sock list":                           "it takes grpcurl: TestInsight of internal/server asks the same",
	"docs/operating.md: sudo systemctl edit rdmad":                                                     "it takes systemd and a collector: traces_test.go of test/script has one",
	"docs/kubernetes.md: make package && docker build -f dist/kubernetes/Containerfile -t rdmad:TAG .": "it takes docker and a cluster; rdmad pki is run as docs/security.md has it",
	"docs/kubernetes.md: helm -n rdmad install rdmad dist/kubernetes/rdmad --set image=rdmad:TAG":      "it takes a cluster: dist/kubernetes/check has the chart rendered, and its schema looked at",
	"docs/kubernetes.md: kubectl -n rdmad get pods -o wide":                                            "it takes a cluster",
	"docs/slurm.md: srun -N 2 --ntasks-per-node=1 sh -c 'hostname; ulimit -l'":                         "it takes Slurm",
	"docs/slurm.md: set -eu":     "it takes Slurm; slurm_test.go of test/script runs the prolog and the epilog",
	"docs/testbed.md: hack/deps": "make test is what runs this, in guests that have none of their own",
	"docs/testbed.md: go test -exec \"$PWD/hack/softroce/vm --\" -race -cover ./internal/verbs/...": "as above",
	"docs/windows.md: CGO_ENABLED=0 GOOS=windows go build ./cmd/rdmacp":                             "it takes Windows: make windows-test builds it, and copies under Wine",
}

// Each block says what it is, and each one of commands is run, or in the list of those that are not.
func TestEachBlockIsRun(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, p := range all(t) {
		for _, b := range p.blocks {
			if len(b.Info) == 0 || !slices.Contains(languages, b.Info[0]) {
				t.Errorf("%s: its fence says %q, and should begin with one of %q", b, b.Info, languages)
				continue
			}
			statements := b.Statements()
			if b.Is("run") || b.Is("newcomer") || len(statements) == 0 {
				continue
			}
			first, _, _ := strings.Cut(statements[0], " #")
			key := p.name + ": " + strings.TrimSpace(first)
			seen[key] = true
			if notRun[key] == "" {
				t.Errorf("%s: no test runs it. Have its fence say \"run\", so that TestDocs does, or say in notRun why not:\n%q", b, key)
			}
		}
	}
	for key := range notRun {
		if !seen[key] {
			t.Errorf("notRun has a block that no page has: %q", key)
		}
	}
}
