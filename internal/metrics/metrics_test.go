package metrics

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.yaml.in/yaml/v2"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/server"
	"github.com/rdmacp/rdmacp/internal/transfer"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// pinning is a fabric's figures.
type pinning struct{ limit uint64 }

func (pinning) Pinned() uint64             { return 27 }
func (p pinning) PinLimit() (uint64, bool) { return p.limit, p.limit > 0 }
func (pinning) QPs() int64                 { return 31 }
func (pinning) Slots() (used, free int)    { return 34, 35 }
func (pinning) Failures() map[string]int64 { return map[string]int64{"fatal_error": 32} }

// fixed is a Source whose figures are all different.
type fixed struct{}

func (fixed) Totals() map[server.Way]server.Totals {
	return map[server.Way]server.Totals{
		{}: {Sessions: map[fault.Code]int64{fault.Limit: 3}},
		{Transport: "rdma", Direction: "put"}: {
			Open: 2, Sessions: map[fault.Code]int64{fault.OK: 5, fault.Lost: 1}, Transfers: map[fault.Code]int64{fault.OK: 6, fault.NoSpace: 2},
			LostRails: 8, Devices: map[string]uint64{"mlx5_0/1": 14, "mlx5_1/1": 28},
			Report: transfer.Report{Entries: 9, Files: 10, Problems: 11, Resumed: 12, Retried: 36, Damaged: 13},
			Stats: transport.Stats{
				Chunks: 15, WorkReqs: 16, Completions: 17, CopiedBytes: 18, SocketBytes: 19, PagedBytes: 20, DirectBytes: 21,
				Source: 22 * time.Second, Map: 23 * time.Second, Wire: 24 * time.Second, Sink: 25 * time.Second, Digest: 26 * time.Second,
			},
		},
		{Transport: "tcp", Direction: "get"}: {Fallbacks: map[string]int64{"path": 7}},
	}
}

func host() Host {
	n := func() float64 { return 27 }
	took, chunks := NewDurations(), &transport.Latencies{}
	took.Took(server.Way{Transport: "rdma", Direction: "put"}, 1500*time.Millisecond)
	chunks.Add(transport.OnWire, 33*time.Second)
	return Host{
		Version: "v1", Landlock: 6, CertExpires: n, Durations: took, RDMA: pinning{64 << 10}, Latencies: map[string]*transport.Latencies{"rdma": chunks},
		Refused: func() map[string]int64 { return map[string]int64{"unknown_ca": 29} },
		Checks:  func() map[string]string { return map[string]string{"ports": "fail"} },
	}
}

func TestFigures(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	families, err := New(fixed{}, host()).Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "rdmad_") || f.GetName() == "rdmad_build_info" {
			continue
		}
		for _, m := range f.GetMetric() {
			b.WriteString(f.GetName())
			for _, l := range m.GetLabel() {
				if l.GetValue() != "" && l.GetValue() != "rdma" && l.GetValue() != "put" && l.GetValue() != "get" {
					b.WriteString(" " + l.GetValue())
				}
			}
			v := m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetHistogram().GetSampleSum()
			if v != 0 {
				b.WriteString(" = " + json.Number(trim(v)).String())
			}
			b.WriteString("\n")
		}
	}
	for _, want := range []string{
		"rdmad_sessions = 2", "rdmad_sessions_total ok = 5", "rdmad_sessions_total lost = 1", "rdmad_sessions_total limit = 3",
		"rdmad_transfers_total no_space = 2", "rdmad_transfer_duration_seconds = 1.5", "rdmad_fallbacks_total path tcp = 7", "rdmad_fallbacks_total memlock tcp", "rdmad_lost_rails_total = 8",
		"rdmad_entries_total = 9", "rdmad_files_total = 10", "rdmad_problems_total = 11", "rdmad_resumed_bytes_total = 12", "rdmad_digest_mismatches_total = 13", "rdmad_retries_total digest = 13", "rdmad_retries_total rail = 23",
		"rdmad_transfer_bytes_total mlx5_0/1 = 14", "rdmad_transfer_bytes_total mlx5_1/1 = 28", "rdmad_chunk_latency_seconds wire = 33", "rdmad_chunk_latency_seconds sink", "rdmad_chunks_total = 15", "rdmad_work_requests_total = 16", "rdmad_completions_total = 17",
		"rdmad_cpu_copied_bytes_total page_cache = 18", "rdmad_cpu_copied_bytes_total socket = 19",
		"rdmad_zero_copy_bytes_total page_cache = 20", "rdmad_zero_copy_bytes_total o_direct = 21",
		"rdmad_stage_seconds_total source = 22", "rdmad_stage_seconds_total map = 23", "rdmad_stage_seconds_total wire = 24",
		"rdmad_stage_seconds_total sink = 25", "rdmad_stage_seconds_total digest = 26",
		"rdmad_certificate_expiry_timestamp_seconds = 27", "rdmad_auth_failures_total unknown_ca = 29", "rdmad_pinned_bytes = 27", "rdmad_pinned_limit_bytes = 65536", "rdmad_qps = 31", "rdmad_slots used = 34", "rdmad_slots free = 35", "rdmad_qp_errors_total fatal_error = 32", "rdmad_doctor_check ports fail = 1", "rdmad_doctor_check ports ok", "rdmad_landlock_abi = 6",
	} {
		if !strings.Contains(b.String(), want+"\n") {
			t.Errorf("there is no %q", want)
		}
	}
	if t.Failed() {
		t.Log(b.String())
	}
}

func trim(v float64) string {
	b, _ := json.Marshal(v)
	return string(b)
}

// Transfers' durations have native buckets, and classic ones beside them; where there is no limit of
// what may be pinned, that is infinite, and nothing is near it.
func TestHistogram(t *testing.T) {
	t.Parallel()
	h := host()
	h.RDMA = pinning{}
	families, err := New(fixed{}, h).Gather()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, f := range families {
		switch m := f.GetMetric()[0]; f.GetName() {
		case "rdmad_transfer_duration_seconds":
			seen++
			if m.GetHistogram().GetSchema() < 1 || len(m.GetHistogram().GetPositiveSpan()) == 0 || len(m.GetHistogram().GetBucket()) == 0 {
				t.Errorf("%v", m)
			}
		case "rdmad_pinned_limit_bytes":
			seen++
			if !math.IsInf(m.GetGauge().GetValue(), 1) {
				t.Errorf("%v", m)
			}
		}
	}
	if seen != 2 {
		t.Errorf("there are %d of 2", seen)
	}
}

// Names, units and help are as Prometheus wants them.
func TestLint(t *testing.T) {
	t.Parallel()
	problems, err := testutil.GatherAndLint(New(fixed{}, host()))
	if err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
}

// What the dashboard and the alerts ask for is there.
func TestDashboard(t *testing.T) {
	t.Parallel()
	families, err := New(fixed{}, host()).Gather()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range families {
		names = append(names, f.GetName())
	}
	asked := map[string]bool{}
	for file, parse := range map[string]func([]byte, any) error{"grafana/rdmad.json": json.Unmarshal, "prometheus/rdmad.rules.yml": yaml.Unmarshal} {
		b, err := os.ReadFile(filepath.Join("..", "..", "dist", file))
		if err != nil {
			t.Fatal(err)
		}
		if err := parse(b, new(any)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		for _, name := range regexp.MustCompile(`rdmad_[a-z_]+`).FindAllString(string(b), -1) {
			name = strings.TrimSuffix(name, "_bucket")
			asked[name] = true
			if !slices.Contains(names, name) {
				t.Errorf("%s asks for %s, which is not there", file, name)
			}
		}
	}
	for _, name := range []string{"rdmad_transfer_bytes_total", "rdmad_digest_mismatches_total", "rdmad_fallbacks_total", "rdmad_chunk_latency_seconds", "rdmad_qp_errors_total", "rdmad_pinned_limit_bytes", "rdmad_auth_failures_total"} {
		if !asked[name] {
			t.Errorf("nobody asks for %s", name)
		}
	}
}
