// Package metrics shows what a daemon does to Prometheus. The figures are the server's
// own, read when they are asked for. There are no labels for users or paths, and nothing
// that node_exporter has: a port's own counters are node_infiniband_* there.
package metrics

import (
	"maps"
	"runtime"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/server"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// Source has the figures of a daemon.
type Source interface {
	Totals() map[server.Way]server.Totals
}

// Host is what a daemon says of itself.
type Host struct {
	Version     string
	Landlock    int            // version of Landlock that confines it; 0: none
	CertExpires func() float64 // seconds since 1970; nil without TLS
	Durations   *Durations     // of transfers

	// Refused are connections whose peer has not proved who it is, by the reason; nil without TLS.
	Refused func() map[string]int64

	RDMA      RDMA                            // nil without
	Latencies map[string]*transport.Latencies // by transport

	// Checks are how the checks of the daemon's host have ended, by their ids; nil: nobody looks.
	Checks func() map[string]string
}

// New returns a registry with all there is to know of a daemon.
func New(src Source, h Host) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), sessions{src})
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "rdmad_build_info", Help: "1; the labels say what runs.", ConstLabels: prometheus.Labels{"version": h.Version, "goversion": runtime.Version()},
	})
	build.Set(1)
	landlock := prometheus.NewGauge(prometheus.GaugeOpts{Name: "rdmad_landlock_abi", Help: "Version of Landlock that confines the daemon; 0 for none."})
	landlock.Set(float64(h.Landlock))
	r.MustRegister(build, landlock)
	for _, g := range []struct {
		name, help string
		value      func() float64
	}{
		{"rdmad_certificate_expiry_timestamp_seconds", "When the daemon's certificate expires.", h.CertExpires},
	} {
		if g.value != nil {
			r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: g.name, Help: g.help}, g.value))
		}
	}
	if h.Refused != nil {
		r.MustRegister(counts{authFailures, h.Refused})
	}
	if h.RDMA != nil {
		r.MustRegister(fabric{h.RDMA}, counts{qpErrors, h.RDMA.Failures})
	}
	if h.Durations != nil {
		r.MustRegister(h.Durations.vec)
	}
	r.MustRegister(latencies(h.Latencies))
	if h.Checks != nil {
		r.MustRegister(checks(h.Checks))
	}
	return r
}

// checks collects how checks have ended.
type checks func() map[string]string

var check = prometheus.NewDesc("rdmad_doctor_check", "1 for how a check of the daemon's host has ended when it was looked at last: ok, warn, fail or skip; else 0.", []string{"id", "status"}, nil)

// Describe implements prometheus.Collector.
func (c checks) Describe(to chan<- *prometheus.Desc) { to <- check }

// Collect implements prometheus.Collector.
func (c checks) Collect(to chan<- prometheus.Metric) {
	for id, end := range c() {
		for _, status := range []string{"ok", "warn", "fail", "skip"} {
			is := 0.0
			if status == end {
				is = 1
			}
			to <- prometheus.MustNewConstMetric(check, prometheus.GaugeValue, is, id, status)
		}
	}
}

// sessions collects the figures of a Source.
type sessions struct{ src Source }

// Describe implements prometheus.Collector.
func (s sessions) Describe(to chan<- *prometheus.Desc) {
	for _, f := range figures {
		to <- f.desc
	}
	for _, d := range []*prometheus.Desc{open, ended, transfers, bytes, fallbacks} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (s sessions) Collect(to chan<- prometheus.Metric) {
	for w, t := range s.src.Totals() {
		way := []string{w.Transport, w.Direction}
		for _, f := range figures {
			to <- prometheus.MustNewConstMetric(f.desc, prometheus.CounterValue, f.of(t), append(slices.Clip(way), f.labels...)...)
		}
		to <- prometheus.MustNewConstMetric(open, prometheus.GaugeValue, float64(t.Open), way...)
		results(to, ended, t.Sessions, way)
		results(to, transfers, t.Transfers, way)
		for device, n := range t.Devices {
			to <- prometheus.MustNewConstMetric(bytes, prometheus.CounterValue, float64(n), append(slices.Clip(way), device)...)
		}
		if w.Transport != transport.TCP.String() {
			continue
		}
		for _, reason := range server.Reasons() {
			to <- prometheus.MustNewConstMetric(fallbacks, prometheus.CounterValue, float64(t.Fallbacks[reason]), append(slices.Clip(way), reason)...)
		}
	}
}

// results collects how many of something have ended how.
func results(to chan<- prometheus.Metric, d *prometheus.Desc, by map[fault.Code]int64, way []string) {
	for _, code := range slices.Sorted(maps.Keys(by)) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(by[code]), append(slices.Clip(way), code.String())...)
	}
}
