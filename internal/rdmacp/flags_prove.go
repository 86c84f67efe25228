package rdmacp

import (
	"github.com/spf13/pflag"

	"github.com/rdmacp/rdmacp/internal/tree"
)

// digestFlag is --digest.
type digestFlag struct{ algorithm *tree.Algorithm }

// Set is pflag's.
func (d *digestFlag) Set(name string) error {
	for _, a := range []tree.Algorithm{tree.BLAKE3, tree.SHA256} {
		if name == a.String() {
			*d.algorithm = a
			return nil
		}
	}
	return badFlag("digest", name, "there is no such digest", "give blake3 or sha256")
}

// String is pflag's.
func (d *digestFlag) String() string {
	if d.algorithm == nil || *d.algorithm == tree.NoDigest {
		return ""
	}
	return d.algorithm.String()
}

// Type is pflag's.
func (d *digestFlag) Type() string { return "algorithm" }

// proving is the flags about digests.
type proving struct {
	digest   tree.Algorithm
	manifest string
	readBack bool
	noVerify bool
}

// add defines the flags.
func (p *proving) add(f *pflag.FlagSet) {
	f.Var(&digestFlag{&p.digest}, "digest", "print the digest of each whole file on stdout, blake3 or sha256, as b3sum and sha256sum do")
	f.StringVar(&p.manifest, "manifest", "", "write the digests to `file` of this host, for b3sum -c or sha256sum -c at the destination; blake3 unless --digest says otherwise")
	f.BoolVar(&p.readBack, "read-back", false, "read what was written again, from the disk, before it gets its name")
	f.BoolVar(&p.noVerify, "no-verify", false, "do without the digests of chunks; the summary says so")
}

// algorithm is the digest of whole files that is needed.
func (p *proving) algorithm() tree.Algorithm {
	if p.digest == tree.NoDigest && p.manifest != "" {
		return tree.BLAKE3
	}
	return p.digest
}
