//go:build failpoint && unix

package failpoint

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
)

// Enabled reports whether this program was built to fail.
const Enabled = true

// variable says what is to happen: POINT=ACTION, and POINT=ACTION@N for the Nth time that the
// point is come by. ACTION is kill or stop (the process, by that signal), panic, or eio, which
// has the point fail.
const variable = "RDMACP_FAILPOINT"

var form = regexp.MustCompile(`^([a-z/-]+)=(kill|stop|panic|eio)(?:@([1-9][0-9]*))?$`)

// plan is what is to happen.
type plan struct {
	point, action string
	visit         int64
}

var (
	planned = sync.OnceValue(read)
	visits  atomic.Int64 // of the point
)

// read reads the variable. A test that has a slip in it must not pass.
func read() plan {
	text := os.Getenv(variable)
	if text == "" {
		return plan{}
	}
	m := form.FindStringSubmatch(text)
	if m == nil {
		panic(fmt.Sprintf("%s=%s is not POINT=kill|stop|panic|eio[@N]", variable, text))
	}
	p := plan{m[1], m[2], 1}
	if m[3] != "" {
		p.visit, _ = strconv.ParseInt(m[3], 10, 64) // its form is known
	}
	return p
}

// At is a point. What is planned for it happens there; the error is one that the point is to
// fail with.
func At(point string) error {
	p := planned()
	if point != p.point || visits.Add(1) != p.visit {
		return nil
	}
	switch p.action {
	case "kill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // not one step further
	case "stop":
		return syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	case "panic":
		panic("failpoint " + point)
	}
	return syscall.EIO
}

// Around makes a call between two points: POINT, and POINT/done once it has succeeded.
func Around(point string, call func() error) error {
	if err := At(point); err != nil {
		return err
	}
	if err := call(); err != nil {
		return err
	}
	return At(point + "/done")
}
