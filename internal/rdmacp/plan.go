package rdmacp

import (
	"github.com/spf13/pflag"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// plan is what the flags ask of the packages below.
type plan struct {
	walk     tree.WalkOptions
	land     tree.LandOptions
	chunk    int
	compares bool // files are compared by content, and nothing is moved
	command  command
}

// command is what is done with the names on the command line.
type command uint8

const (
	copies   command = iota
	rehearse         // --dry-run
	verifies         // rdmacp verify
)

// String names the command.
func (c command) String() string {
	switch c {
	case rehearse:
		return "dry-run"
	case verifies:
		return "verify"
	case copies:
	}
	return "copy"
}

// newPlan makes a plan of the flags. Files is the list of --files-from.
func (o *options) newPlan(what command, f *pflag.FlagSet, files []string) plan {
	p := plan{command: what}
	p.walk = tree.WalkOptions{Recursive: o.trees(), Filter: o.rules, Files: files, Way: o.source}
	o.walk(f, o.archive, &p.walk)
	p.land = tree.LandOptions{
		Perms: true, Times: true, Owner: p.walk.Owner, Group: p.walk.Group,
		Xattrs: p.walk.Xattrs, ACLs: p.walk.ACLs, Way: o.sink,
	}
	o.removing.land(&p.land)
	if o.delete {
		p.land.Keep = o.rules
	}
	if what == verifies {
		// Without -a it is the content that counts, as it is with b3sum -c.
		p.land.Perms, p.land.Times = o.archive, o.archive
		p.land.Verify, p.compares = true, true
		return p
	}
	o.updating.land(o.trees(), &p.land)
	p.land.ReadBack, p.land.Digest = o.readBack, o.algorithm()
	// A digest speaks for what is at the destination, so that no file may be taken
	// for equal by its size and time.
	if p.land.Digest != tree.NoDigest && !p.land.IgnoreTimes {
		p.land.Checksum = true
	}
	if o.dryRun {
		p.command = rehearse
		p.compares = p.land.Checksum // there is no other way to know
		p.land.Verify = p.compares
	}
	p.land.Durable = o.sources && p.command == copies
	return p
}

// clientJob is the plan as the client takes it.
func (o *options) clientJob(j job, p plan) client.Job {
	c := client.Job{Walk: p.walk, Land: p.land, Naming: j.naming, Several: j.several}
	limit, _ := bandwidth(o.bwlimit) // it was read before
	c.Engine.Limit = limiter(limit, p.chunk)
	c.Engine.Digest = p.land.Digest
	c.Engine.ReadBack, c.Engine.Verify = p.land.ReadBack, p.compares
	c.Engine.FailFast = o.failFast
	c.Engine.Remove = o.sources && p.command == copies
	return c
}
