package metrics

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rdmacp/rdmacp/internal/server"
)

// way labels all that is counted by session: rdma or tcp, put or get.
var way = []string{"transport", "direction"}

// desc describes a metric with these labels behind those of the way.
func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, slices.Concat(way, labels), nil)
}

// What is not a plain figure.
var (
	open      = desc("rdmad_sessions", "Sessions that are open.")
	ended     = desc("rdmad_sessions_total", "Sessions that have ended, by how.", "result")
	transfers = desc("rdmad_transfers_total", "Transfers that have ended, by how.", "result")
	bytes     = desc("rdmad_transfer_bytes_total", "Payload that was moved, by RDMA device of this host.", "device")
	fallbacks = desc("rdmad_fallbacks_total", "Sessions that go by TCP though their client wanted RDMA, by how the try by RDMA has ended.", "reason")
)

// figure is a counter that a session has.
type figure struct {
	desc   *prometheus.Desc
	labels []string // values of the labels behind those of the way
	of     func(server.Totals) float64
}

// The figures with a label of their own, each once for all of its values.
var (
	copied = desc("rdmad_cpu_copied_bytes_total", "Payload that a CPU of this host copied: between page cache and slab, or out of or into a socket.", "where")
	zero   = desc("rdmad_zero_copy_bytes_total", "Payload that a NIC took out of the page cache or put there, or a disk out of or into registered memory.", "by")
	again  = desc("rdmad_retries_total", "Bundles that were moved again: since their digests differed, or since their rail was lost.", "cause")
	stage  = desc("rdmad_stage_seconds_total", "Time that chunks spent in a stage, summed over all chunks in flight.", "stage")
)

// figures are all of them.
var figures = []figure{
	{desc("rdmad_chunks_total", "Chunks that were moved."), nil, func(t server.Totals) float64 { return float64(t.Stats.Chunks) }},
	{desc("rdmad_work_requests_total", "Work requests that were posted; by TCP, frames that were sent."), nil, func(t server.Totals) float64 { return float64(t.Stats.WorkReqs) }},
	{desc("rdmad_completions_total", "Completions that were polled; by TCP, frames that were received."), nil, func(t server.Totals) float64 { return float64(t.Stats.Completions) }},
	{desc("rdmad_entries_total", "Entries of trees, of whatever kind."), nil, func(t server.Totals) float64 { return float64(t.Report.Entries) }},
	{desc("rdmad_files_total", "Files that were copied and are in place."), nil, func(t server.Totals) float64 { return float64(t.Report.Files) }},
	{desc("rdmad_problems_total", "Entries that could not be copied."), nil, func(t server.Totals) float64 { return float64(t.Report.Problems) }},
	{desc("rdmad_resumed_bytes_total", "Payload that an earlier, broken run had brought already."), nil, func(t server.Totals) float64 { return float64(t.Report.Resumed) }},
	{desc("rdmad_digest_mismatches_total", "Bundles that were moved again, since their digests differed."), nil, func(t server.Totals) float64 { return float64(t.Report.Damaged) }},
	{again, []string{"digest"}, func(t server.Totals) float64 { return float64(t.Report.Damaged) }},
	{again, []string{"rail"}, func(t server.Totals) float64 { return float64(t.Report.Retried - t.Report.Damaged) }},
	{desc("rdmad_lost_rails_total", "Rails that sessions have lost, or could not use."), nil, func(t server.Totals) float64 { return float64(t.LostRails) }},
	{copied, []string{"page_cache"}, func(t server.Totals) float64 { return float64(t.Stats.CopiedBytes) }},
	{copied, []string{"socket"}, func(t server.Totals) float64 { return float64(t.Stats.SocketBytes) }},
	{zero, []string{"page_cache"}, func(t server.Totals) float64 { return float64(t.Stats.PagedBytes) }},
	{zero, []string{"o_direct"}, func(t server.Totals) float64 { return float64(t.Stats.DirectBytes) }},
	{stage, []string{"source"}, func(t server.Totals) float64 { return t.Stats.Source.Seconds() }},
	{stage, []string{"map"}, func(t server.Totals) float64 { return t.Stats.Map.Seconds() }},
	{stage, []string{"wire"}, func(t server.Totals) float64 { return t.Stats.Wire.Seconds() }},
	{stage, []string{"sink"}, func(t server.Totals) float64 { return t.Stats.Sink.Seconds() }},
	{stage, []string{"digest"}, func(t server.Totals) float64 { return t.Stats.Digest.Seconds() }},
	{stage, []string{"cipher"}, func(t server.Totals) float64 { return t.Stats.Cipher.Seconds() }},
	{stage, []string{"limit"}, func(t server.Totals) float64 { return t.Stats.Limit.Seconds() }},
}
