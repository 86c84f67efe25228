package verbs

import (
	"os"
	"testing"

	"github.com/rdmacp/rdmacp/internal/testenv"
)

// TestMain also fails the run when a test leaves a verbs object open.
func TestMain(m *testing.M) { os.Exit(testenv.Main(m, live.String)) }
