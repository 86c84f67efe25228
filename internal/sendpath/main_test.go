package sendpath

import (
	"os"
	"testing"

	"github.com/rdmacp/rdmacp/internal/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }
