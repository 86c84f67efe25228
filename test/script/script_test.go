// Package script runs rdmacp and rdmad as their users do: flags and files in,
// words, files and exit codes out. The scripts are testdata/*.txtar; both
// commands run in this process, over a fabric in memory or by TCP.
package script

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"github.com/rdmacp/rdmacp/internal/device"
)

// TestMain fails the run if a command leaves a goroutine behind. In a process of its own
// the binary is a command.
func TestMain(m *testing.M) {
	if name := os.Getenv(asCommand); name != "" {
		os.Exit(beCommand(name))
	}
	ownConfig()
	goleak.VerifyTestMain(m)
}

// noConfig keeps what is configured on this host for rdmacp out of the tests.
const noConfig = "RDMACP_CONFIG=/dev/null"

// ownConfig does so for this process, and those that it starts.
func ownConfig() {
	name, value, _ := strings.Cut(noConfig, "=")
	if err := os.Setenv(name, value); err != nil {
		panic(err)
	}
}

func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			w := newWorld()
			env.Vars = append(env.Vars, noConfig)
			env.Values[worldKey{}] = w
			env.Defer(w.close)
			return nil
		},
		Condition: func(cond string) (bool, error) {
			if cond != "rdma" {
				return false, fmt.Errorf("there is no condition %q", cond)
			}
			_, err := device.Rails()
			return err == nil, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"rdmacp":       cmdRdmacp,
			"rdmacp-cut":   cmdRdmacpCut,
			"rdmacp-ssh":   cmdRdmacpSSH,
			"rdmacp-to":    cmdRdmacpTo,
			"rdmacp-stuck": cmdRdmacpStuck,
			"fabric":       cmdFabric,
			"http":         cmdHTTP,
			"impostor":     cmdImpostor,
			"rdmad":        cmdRdmad,
			"rdmad-start":  cmdRdmadStart,
			"rdmad-stop":   cmdRdmadStop,
			"exit":         cmdExit,
			"mtime":        cmdMtime,
			"mode":         cmdMode,
			"blob":         cmdBlob,
			"no-partials":  cmdNoPartials,
			"islink":       cmdIsLink,
			"same":         cmdSame,
			"flip":         cmdFlip,
			"many":         cmdMany,
			"one-file":     cmdOneFile,
			"sparse":       cmdSparse,
			"at":           cmdAt,
			"link":         cmdLink,
			"input":        cmdInput,
			"lines":        cmdLines,
			"obstruct":     cmdObstruct,
			"oddities":     cmdOddities,
		},
	})
}
