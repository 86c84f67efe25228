package rdmacp

import (
	"fmt"
	"io"
	"strings"

	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// mostShown is how many problems are told one by one; the others are counted, unless all
// are asked for.
const mostShown = 20

// mostCauses bounds how many causes are told apart.
const mostCauses = 100

// problems are what could not be copied.
type problems struct {
	out    io.Writer
	all    bool // are told one by one
	count  int64
	gone   int64         // of them, what was removed before it was read
	first  *tree.Problem // held back while it may be all that there is to say
	causes map[string]*cause
	common *cause // the most frequent
}

// cause is why things could not be copied.
type cause struct {
	fault *fault.Error
	count int64
}

// add notes a problem. Alone says that the one thing that is copied has it: it is
// told at the end, as the fault of the command.
func (p *problems) add(problem tree.Problem, alone bool) {
	p.count++
	f, ok := fault.As(problem.Fault)
	if !ok {
		f = fault.New(fault.Internal, "copying "+problem.Path, problem.Fault, "")
		problem.Fault = f
	}
	p.blame(f)
	if f.Code == fault.Vanished {
		p.gone++
	}
	if alone && p.count == 1 {
		p.first = &problem
		return
	}
	p.flush()
	p.say(problem)
}

// blame counts the cause of a problem.
func (p *problems) blame(f *fault.Error) {
	why := console.Complete(f).Why.Error()
	c := p.causes[why]
	if c == nil && len(p.causes) < mostCauses {
		if p.causes == nil {
			p.causes = map[string]*cause{}
		}
		c = &cause{fault: f}
		p.causes[why] = c
	}
	if c == nil {
		return
	}
	c.count++
	if p.common == nil || c.count > p.common.count {
		p.common = c
	}
}

// flush tells the problem that was held back: there is more to say.
func (p *problems) flush() {
	if p.first != nil {
		first := *p.first
		p.first = nil
		p.say(first)
	}
}

// say tells a problem in a line.
func (p *problems) say(problem tree.Problem) {
	switch {
	case p.all || p.count <= mostShown:
		_, _ = fmt.Fprintln(p.out, "rdmacp: "+problemLine(problem))
	case p.count == mostShown+1:
		_, _ = fmt.Fprintln(p.out, "rdmacp: there are more such problems; they are counted (-v tells each)")
	}
}

// problemLine is a problem in a line.
func problemLine(p tree.Problem) string {
	f, _ := fault.As(p.Fault)
	f = console.Complete(f)
	line := console.Escape("cannot copy " + p.Path)
	if f.Host != "" {
		line = console.Escape(f.Host) + ": " + line
	}
	// What failed is worth telling unless it is the copying of that very path.
	if what := f.What; !strings.HasSuffix(what, p.Path) {
		line += ": " + console.Escape(what)
	}
	return line + ": " + console.Escape(f.Why.Error())
}

// fault is how the command ends after problems: of things in all, some were not
// copied. One that was copied alone fails with its own fault.
func (p *problems) fault(what, again string, things int64) error {
	switch {
	case p.count == 0:
		return nil
	case p.first != nil:
		return p.first.Fault
	}
	code, fix := fault.Partial, "see to the cause, and run the same command again"+again
	if p.gone == p.count {
		code, fix = fault.Vanished, "nothing, if they were meant to go; else run the same command again"+again
	}
	cause := console.Complete(p.common.fault)
	why := cause.Why
	if p.common.count < p.count {
		why = fmt.Errorf("%w (%s) and other causes, see above", cause.Why, console.Count(p.common.count, "time", "times"))
	} else if p.count > 1 {
		why = fmt.Errorf("%w, each time", cause.Why)
	}
	return fault.New(code, fmt.Sprintf("%s: %s", what, notCopied(p.count, things)), why, fix)
}

// notCopied says how much is missing.
func notCopied(n, of int64) string {
	verb := "were"
	if n == 1 {
		verb = "was"
	}
	return fmt.Sprintf("%d of %s %s not copied", n, console.Count(of, "file", "files"), verb)
}

// differ is how a comparison ends that has found differences.
func differ(j job, n, of int64) error {
	verb := "differ"
	if n == 1 {
		verb = "differs"
	}
	fix := "copy them again with --checksum: only what differs is sent"
	if of > 1 && n >= of-1 && len(j.sources) == 1 { // all but the directory, most likely
		fix = "see whether " + j.otherSlash() + "; else " + fix
	}
	return fault.New(fault.Integrity, j.what(), fmt.Errorf("%d of %s %s", n, console.Count(of, "entry", "entries"), verb), fix)
}
