package doctor

import (
	"errors"
	"fmt"

	"github.com/dustin/go-humanize"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// noPort is the fault of a port, where there is no better one.
func noPort(f Finding) *fault.Error {
	return fault.New(fault.NoDevice, "looking for a port that can be used", errors.New(f.Observed), f.Fault.Fix)
}

// tooLittle is the fault of a limit for locked memory that is too small for a copy.
func tooLittle(limit, wants uint64) error {
	return fault.New(fault.Memlock, "looking at the limit for locked memory",
		fmt.Errorf("%s may be pinned, and a copy wants %s", humanize.IBytes(limit), humanize.IBytes(wants)),
		"`ulimit -l unlimited`; for good: `* - memlock unlimited` in /etc/security/limits.d/rdma.conf, LimitMEMLOCK=infinity in a unit, "+
			"--ulimit memlock=-1 for a container; or fewer --slots and a smaller --chunk-size")
}
