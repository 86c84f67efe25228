package rdmacp

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/storage"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// check refuses what the flags do not allow, whatever the daemon says.
func (j job) check(o *options, p plan) error {
	what := j.what()
	if j.piped {
		return j.checkPipe(what, o, p)
	}
	for _, s := range j.sources {
		if s.arg == "-" {
			return usage(what, errors.New("standard input comes alone"), "name it as the only source; a file that is called - is ./-")
		}
		if s.contents() && !p.walk.Recursive && p.walk.Files == nil {
			return usage(what, fmt.Errorf("%q is a directory", s.arg), j.addRecursive())
		}
	}
	return nil
}

// checkList refuses a list of files where there is nothing to list from, ahead of
// reading it: that may have to be typed.
func (j job) checkList(o *options) error {
	var why, fix string
	switch {
	case o.filesFrom == "":
		return nil
	case j.piped && j.direction == transport.Put && o.filesFrom == "-":
		why, fix = "standard input cannot be both the list and what is listed", "name the directory that the list is about as the source"
	case j.piped:
		why, fix = "a stream of bytes has no files to be listed", "drop --files-from"
	case len(j.sources) > 1:
		why, fix = "--files-from lists what is below one source, and there are several", "name one directory"
	default:
		return nil
	}
	return usage(j.what(), errors.New(why), fix)
}

// checkPipe refuses what cannot be done with a stream of bytes.
func (j job) checkPipe(what string, o *options, p plan) error {
	in := j.direction == transport.Put
	var why string
	fix := "copy a file instead"
	switch {
	case p.command != copies:
		why = "standard input and output can be copied only"
	case len(j.sources) > 1 || j.several:
		why, fix = "several sources do not go together with -", "name one source and one destination; a file that is called - is ./-"
	case o.trees() || p.walk.Filter != nil:
		why, fix = "a stream of bytes is no tree", "drop -r, -a and what chooses between files"
	case in && (j.dst.isDir() || j.dst.remote.base() == ""):
		why, fix = "what comes from standard input needs a name", "name a file as the destination"
	case !in && j.sources[0].contents():
		why, fix = "a directory cannot go to standard output", "name a file"
	case !in && (o.json || o.digest != tree.NoDigest || o.itemize):
		why, fix = "standard output cannot carry anything besides the file", "drop --json, --digest and -i; --manifest writes to a file"
	case o.delete || o.sources || o.update || o.ignoreExisting || o.checksum || o.sizeOnly || o.delta:
		why, fix = "there is no file to look at", "drop the flags that compare or remove"
	case !in && o.readBack:
		why, fix = "standard output cannot be read back", "drop --read-back"
	default:
		return nil
	}
	return usage(what, errors.New(why), fix)
}

// look says at once what is plainly wrong with the one source on this host, so
// that nobody has to be asked.
func (j job) look(p plan) error {
	if j.direction != transport.Put || len(j.sources) != 1 || j.piped {
		return nil
	}
	name := j.sources[0].arg
	if p.walk.Recursive || p.walk.Links || p.walk.Files != nil {
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			return fault.New(fault.NotFound, "opening "+name, bare(err), "")
		}
		return nil
	}
	isDir, err := storage.IsDir(name)
	if err != nil || !isDir {
		return err
	}
	return fault.New(fault.NotRegular, "opening "+name, errors.New("it is a directory"), j.addRecursive())
}

// addRecursive is what to do about a directory.
func (j job) addRecursive() string {
	if j.command == verifies {
		return "add -r to compare what is in it, or -a to compare modes, times and owners, too"
	}
	return "add -r to copy it, or -a to keep links, owners and devices, too"
}

// newName is the name that the copy gets, if it is another than the source's and
// that is known here: only the daemon knows what stands at the destination of a
// put.
func (j job) newName() string {
	switch {
	case j.piped && j.direction == transport.Put:
		return j.dst.remote.base()
	case j.piped || j.naming != tree.Auto || j.several || j.direction == transport.Put:
		return ""
	}
	if isDir, err := storage.IsDir(j.dst.arg); isDir || err != nil {
		return ""
	}
	return filepath.Base(j.dst.arg)
}
