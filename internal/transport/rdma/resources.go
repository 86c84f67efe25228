package rdma

import (
	"errors"
	"fmt"
	"slices"
	"syscall"

	"github.com/rdmacp/rdmacp/internal/device"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/mr"
	"github.com/rdmacp/rdmacp/internal/numa"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/verbs"
)

// role is what tells the two ends and the two directions apart: what memory and
// queue pairs allow, and how much work a queue pair holds.
type role struct {
	sources    bool // the payload comes from this end
	private    bool // the peer may do nothing at all
	exposes    bool // the peer may write to a slot, while that is lent
	slotAccess verbs.Access
	qpAccess   verbs.Access // what the peer may do
	sends      int          // per queue pair
	recvs      int          // per queue pair
}

// lenderRole opens a lender's slots to the one operation that the direction
// needs, and to no other.
func lenderRole(s transport.Setup) role {
	if s.Direction == transport.Get {
		return role{
			exposes:    true,
			slotAccess: verbs.AccessLocalWrite | verbs.AccessRemoteWrite,
			qpAccess:   verbs.AccessRemoteWrite,
			sends:      1,
			recvs:      s.Slots,
		}
	}
	return role{sources: true, slotAccess: verbs.AccessRemoteRead, qpAccess: verbs.AccessRemoteRead, sends: 1, recvs: 1}
}

// driverRole lets the peer do nothing at all.
func driverRole(s transport.Setup) role {
	if s.Direction == transport.Get {
		return role{sources: true, private: true, sends: s.Slots, recvs: 1}
	}
	return role{private: true, slotAccess: verbs.AccessLocalWrite, sends: s.Slots * pieces(s.ChunkSize), recvs: 1}
}

// pieces is how many READs a chunk of n bytes takes.
func pieces(n int) int { return (n + readPiece - 1) / readPiece }

// resources are the verbs objects of one end of a connection.
type resources struct {
	pd      *verbs.PD
	channel *verbs.CompChannel
	cq      *verbs.CQ
	pool    *mr.Pool
	pages   *windows // nil where the page cache is not to be used
	qps     []*verbs.QP
	tally   *tally // of the fabric
	node    int    // the NUMA node of the NIC; -1 if it is not known

	counters counters // of the connection that is made of it
}

// newResources makes the objects and moves the queue pairs to INIT.
func newResources(vctx *verbs.Context, f *Fabric, c device.Choice, s transport.Setup, r role) (res *resources, err error) {
	res = &resources{tally: &f.tally, node: c.Rail.NUMANode}
	defer func() {
		if err != nil {
			err = errors.Join(err, res.close())
		}
	}()
	if res.pd, err = vctx.AllocPD(); err != nil {
		return res, making("a protection domain", c, err)
	}
	if res.channel, err = vctx.CreateCompChannel(); err != nil {
		return res, making("a completion channel", c, err)
	}
	if res.cq, err = vctx.CreateCQ(s.QPs*(r.sends+r.recvs), res.channel); err != nil {
		return res, making("a completion queue", c, err)
	}
	newPool := mr.NewPool
	if r.exposes {
		newPool = mr.NewExposing
	}
	numa.Near(res.node, func() { res.pool, err = newPool(res.pd, f.budget, s.ChunkSize, s.Slots, r.slotAccess) })
	if err != nil {
		return res, fmt.Errorf("%s/%d: %w", c.Rail.Device, c.Rail.Port, err)
	}
	// Without digests nothing would tell that a page was written to between the last
	// look at a source and the wire: a slot holds what was read.
	if !r.sources || !s.Unverified {
		res.pages = res.newWindows(f.budget, s.ChunkSize, r)
	}
	for range s.QPs {
		qp, err := res.pd.CreateQP(verbs.QPInitAttr{
			SendCQ: res.cq, RecvCQ: res.cq,
			MaxSendWR: r.sends, MaxRecvWR: r.recvs, MaxSendSGE: 1, MaxRecvSGE: 1,
		})
		if err != nil {
			return res, making("a queue pair", c, err)
		}
		res.qps = append(res.qps, qp)
		res.tally.qps.Add(1)
		if err := qp.ToInit(verbs.InitAttr{Port: c.Rail.Port, Access: r.qpAccess}); err != nil {
			return res, making("a queue pair", c, err)
		}
	}
	return res, nil
}

// newWindows opens page caches to the device as the role has it.
func (r *resources) newWindows(b *mr.Budget, chunk int, role role) *windows {
	return &windows{
		mapFile: func(file syscall.RawConn, off int64, n int) (p *mr.Pages, err error) {
			numa.Near(r.node, func() { p, err = mr.MapFile(file, off, n, role.slotAccess.Writes()) })
			return p, err
		},
		register: func(p *mr.Pages, off int64, n int) (*mr.Window, error) {
			return p.Register(r.pd, b, off, n, role.slotAccess)
		},
		size: int64(max(1, windowSize/chunk) * chunk), alone: role.exposes, counters: &r.counters,
		open: map[windowKey]*window{}, parts: map[*mr.Window]struct{}{}, refused: map[uint64]error{},
	}
}

// making turns a failed constructor into a fault.
func making(what string, c device.Choice, err error) error {
	return fault.New(fault.NoDevice, fmt.Sprintf("making %s on %s/%d", what, c.Rail.Device, c.Rail.Port), err,
		"see how many the device and the rdma cgroup allow: rdma resource show; ibv_devinfo -v")
}

// close frees what there is, children first, and goes on after an error.
func (r *resources) close() error {
	var errs []error
	for _, qp := range slices.Backward(r.qps) {
		errs = append(errs, qp.Close())
	}
	r.tally.qps.Add(-int64(len(r.qps)))
	r.qps = nil
	errs = append(errs, r.pages.close())
	if r.pool != nil {
		errs = append(errs, r.pool.Close())
	}
	if r.cq != nil {
		errs = append(errs, r.cq.Close())
	}
	if r.channel != nil {
		errs = append(errs, r.channel.Close())
	}
	if r.pd != nil {
		errs = append(errs, r.pd.Close())
	}
	return errors.Join(errs...)
}
