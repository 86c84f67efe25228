//go:build unix

package conffile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// Own refuses a file that somebody else may have written: it says whom to trust and which
// program to start. It is as ssh has it for ~/.ssh/config.
func Own(info fs.FileInfo) error {
	if s, ok := info.Sys().(*syscall.Stat_t); ok && s.Uid != 0 && int(s.Uid) != os.Geteuid() {
		return fmt.Errorf("it belongs to somebody else (user %d)", s.Uid)
	}
	return Closed(info)
}

// Closed refuses a file that its group or everybody may write to.
func Closed(info fs.FileInfo) error {
	if info.Mode().Perm()&0o022 == 0 {
		return nil
	}
	return errors.New("others may write to it (mode " + fmt.Sprintf("%04o", info.Mode().Perm()) + ")")
}
