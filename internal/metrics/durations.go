package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rdmacp/rdmacp/internal/server"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// Durations are how long transfers took: a native histogram, and beside it classic buckets for
// a Prometheus that does not take those.
type Durations struct{ vec *prometheus.HistogramVec }

// NewDurations returns one without any.
func NewDurations() *Durations {
	return &Durations{prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "rdmad_transfer_duration_seconds", Help: "How long transfers took.",
		Buckets:                     prometheus.ExponentialBuckets(0.01, 4, 11), // 10 ms to three hours
		NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 160, NativeHistogramMinResetDuration: time.Hour,
	}, way)}
}

// Took enters a transfer.
func (d *Durations) Took(w server.Way, took time.Duration) {
	d.vec.WithLabelValues(w.Transport, w.Direction).Observe(took.Seconds())
}

// latencies collects how long chunks were in each stage, by transport. The buckets are the
// transport's own, since no chunk is to wait for a histogram.
type latencies map[string]*transport.Latencies

var latency = prometheus.NewDesc("rdmad_chunk_latency_seconds", "How long chunks were in a stage.", []string{"transport", "stage"}, nil)

// Describe implements prometheus.Collector.
func (l latencies) Describe(to chan<- *prometheus.Desc) { to <- latency }

// Collect implements prometheus.Collector.
func (l latencies) Collect(to chan<- prometheus.Metric) {
	for by, of := range l {
		for _, stage := range transport.Stages() {
			h := of.Histogram(stage)
			buckets := make(map[float64]uint64, len(h.Buckets))
			for bound, n := range h.Buckets {
				buckets[bound.Seconds()] = n
			}
			to <- prometheus.MustNewConstHistogram(latency, h.Count, h.Sum.Seconds(), buckets, by, stage.String())
		}
	}
}
