package metrics

import (
	"math"

	"github.com/prometheus/client_golang/prometheus"
)

// RDMA is a fabric's figures of its own.
type RDMA interface {
	Pinned() uint64           // bytes that are pinned, or about to be
	PinLimit() (uint64, bool) // bytes that may be; false: any number
	QPs() int64
	Slots() (used, free int)
	Failures() map[string]int64 // of connections, by the status of the completion that broke them
}

var (
	pinned       = prometheus.NewDesc("rdmad_pinned_bytes", "Memory that is reserved for RDMA.", nil, nil)
	pinLimit     = prometheus.NewDesc("rdmad_pinned_limit_bytes", "Memory that may be pinned; +Inf where there is no limit.", nil, nil)
	slots        = prometheus.NewDesc("rdmad_slots", "Slots of connections by RDMA: used, as long as a chunk is in flight in them, and free.", []string{"state"}, nil)
	qps          = prometheus.NewDesc("rdmad_qps", "Queue pairs that there are.", nil, nil)
	qpErrors     = prometheus.NewDesc("rdmad_qp_errors_total", "Connections by RDMA that a failed completion has broken, by its status.", []string{"status"}, nil)
	authFailures = prometheus.NewDesc("rdmad_auth_failures_total", "Connections whose peer has not proved who it is, by the reason.", []string{"reason"}, nil)
)

// fabric collects them, but for the failures.
type fabric struct{ RDMA }

// Describe implements prometheus.Collector.
func (fabric) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{pinned, pinLimit, qps, slots} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (f fabric) Collect(to chan<- prometheus.Metric) {
	most := math.Inf(1)
	if n, limited := f.PinLimit(); limited {
		most = float64(n)
	}
	to <- prometheus.MustNewConstMetric(pinned, prometheus.GaugeValue, float64(f.Pinned()))
	to <- prometheus.MustNewConstMetric(pinLimit, prometheus.GaugeValue, most)
	to <- prometheus.MustNewConstMetric(qps, prometheus.GaugeValue, float64(f.QPs()))
	used, free := f.Slots()
	to <- prometheus.MustNewConstMetric(slots, prometheus.GaugeValue, float64(used), "used")
	to <- prometheus.MustNewConstMetric(slots, prometheus.GaugeValue, float64(free), "free")
}

// counts collects a counter with one label.
type counts struct {
	desc *prometheus.Desc
	of   func() map[string]int64
}

// Describe implements prometheus.Collector.
func (c counts) Describe(to chan<- *prometheus.Desc) { to <- c.desc }

// Collect implements prometheus.Collector.
func (c counts) Collect(to chan<- prometheus.Metric) {
	for value, n := range c.of() {
		to <- prometheus.MustNewConstMetric(c.desc, prometheus.CounterValue, float64(n), value)
	}
}
