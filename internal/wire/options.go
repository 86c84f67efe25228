package wire

import (
	"github.com/rdmacp/rdmacp/internal/tree"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

func fromWalk(o tree.WalkOptions) *pb.WalkOptions {
	m := &pb.WalkOptions{
		Recursive: o.Recursive, Links: o.Links, HardLinks: o.HardLinks, Devices: o.Devices, Specials: o.Specials,
		Owner: o.Owner, Group: o.Group, Names: o.Names, Xattrs: o.Xattrs, Acls: o.ACLs,
		Way: pb.Way(o.Way),
	}
	m.Filter = each(o.Filter, fromRule)
	if o.Files != nil {
		m.Files = &pb.Files{}
		for _, f := range o.Files {
			m.Files.Paths = append(m.Files.Paths, []byte(f))
		}
	}
	return m
}

func toWalk(m *pb.WalkOptions) tree.WalkOptions {
	o := tree.WalkOptions{
		Recursive: m.GetRecursive(), Links: m.GetLinks(), HardLinks: m.GetHardLinks(), Devices: m.GetDevices(),
		Specials: m.GetSpecials(), Owner: m.GetOwner(), Group: m.GetGroup(), Names: m.GetNames(),
		Xattrs: m.GetXattrs(), ACLs: m.GetAcls(),
		Way: toWay(m.GetWay()),
	}
	o.Filter = toRules(m.GetFilter())
	if m.GetFiles() != nil {
		o.Files = make([]string, 0, len(m.GetFiles().GetPaths()))
		for _, p := range m.GetFiles().GetPaths() {
			o.Files = append(o.Files, string(p))
		}
	}
	return o
}

func fromRule(r tree.Rule) *pb.Rule { return &pb.Rule{Pattern: []byte(r.Pattern), Include: r.Include} }

func toRules(ms []*pb.Rule) []tree.Rule {
	var rules []tree.Rule
	for _, r := range ms {
		rules = append(rules, tree.Rule{Pattern: string(r.GetPattern()), Include: r.GetInclude()})
	}
	return rules
}

// fromLand leaves out what Copy itself says.
func fromLand(o tree.LandOptions) *pb.LandOptions {
	return &pb.LandOptions{
		Perms: o.Perms, Times: o.Times, Owner: o.Owner, Group: o.Group, Xattrs: o.Xattrs, Acls: o.ACLs,
		Update: o.Update, IgnoreExisting: o.IgnoreExisting, Checksum: o.Checksum, SizeOnly: o.SizeOnly,
		IgnoreTimes: o.IgnoreTimes, Delta: o.Delta, Delete: o.Delete, MaxDelete: int64(o.MaxDelete), DryRun: o.DryRun,
		Keep: each(o.Keep, fromRule), Durable: o.Durable,
		Way: pb.Way(o.Way),
	}
}

func toLand(m *pb.LandOptions) tree.LandOptions {
	return tree.LandOptions{
		Perms: m.GetPerms(), Times: m.GetTimes(), Owner: m.GetOwner(), Group: m.GetGroup(), Xattrs: m.GetXattrs(), ACLs: m.GetAcls(),
		Update: m.GetUpdate(), IgnoreExisting: m.GetIgnoreExisting(), Checksum: m.GetChecksum(), SizeOnly: m.GetSizeOnly(),
		IgnoreTimes: m.GetIgnoreTimes(), Delta: m.GetDelta(), Delete: m.GetDelete(), MaxDelete: int(m.GetMaxDelete()), DryRun: m.GetDryRun(),
		Keep: toRules(m.GetKeep()), Durable: m.GetDurable(),
		Way: toWay(m.GetWay()),
	}
}

// toWay takes a way that a later release may know for any.
func toWay(w pb.Way) tree.Way {
	if w < 0 || w > pb.Way(tree.BufferedWay) {
		return tree.AutoWay
	}
	return tree.Way(w)
}
