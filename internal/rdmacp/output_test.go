package rdmacp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/cpu"
	"github.com/rdmacp/rdmacp/internal/device"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transfer"
	"github.com/rdmacp/rdmacp/internal/transport"
)

func TestHumanDuration(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		-1: "-", 0: "0 ms", 12 * time.Millisecond: "12 ms", 999 * time.Millisecond: "999 ms",
		3250 * time.Millisecond: "3.2 s", 9999 * time.Millisecond: "9.9 s", 59900 * time.Millisecond: "59 s",
		125 * time.Second: "2 m 5 s", 26*time.Hour + 3*time.Minute: "26 h 3 m",
	} {
		if got := console.Duration(d); got != want {
			t.Errorf("console.Duration(%v) = %q, want %q", d, got, want)
		}
	}
}

// sampleOutcome is a copy as it could have been.
func sampleOutcome(d transport.Direction) outcome {
	o := outcome{
		job:  job{direction: d, sources: []location{{arg: "a"}}, dst: location{arg: "h:/b"}},
		peer: client.Peer{Version: "v1", SessionID: "ABC", Device: "rxe1/1", LocalDevice: "rxe0/1"},
		result: client.Result{
			Path: "/b", Elapsed: 3200 * time.Millisecond,
			Report: transfer.Report{Entries: 1, Files: 1, Bytes: 256 << 20, Chunks: 256},
			Local: client.Counters{
				Stats: transport.Stats{
					Bytes: 256 << 20, Chunks: 256, CopiedBytes: 6 << 20, PagedBytes: 250 << 20, Windows: 32, Hits: 218, Calls: 166,
					WhyCopied: "it is so", Source: 200 * time.Millisecond, Map: 300 * time.Millisecond, Digest: time.Second,
				},
				CPU:   cpu.Usage{User: time.Second, System: 500 * time.Millisecond, Voluntary: 1234, Involuntary: 5},
				Hertz: 2e9, Slots: 16,
			},
			Remote: client.Counters{
				Stats: transport.Stats{
					Bytes: 256 << 20, Chunks: 256, DirectBytes: 256 << 20, WorkReqs: 256, Completions: 256, Wakeups: 1, Calls: 256,
					Wire: 8 * time.Second, Digest: time.Second, Sink: 40 * time.Second,
				},
				CPU:   cpu.Usage{User: 2 * time.Second, System: 4 * time.Second, Voluntary: 9, Involuntary: 8},
				Slots: 16,
			},
		},
	}
	if d == transport.Get {
		o.job, o.target = job{direction: d, sources: []location{{arg: "h:/b"}}, dst: location{arg: "dir"}}, "/here/dir"
	}
	return o
}

func TestSummary(t *testing.T) {
	t.Parallel()
	put := sampleOutcome(transport.Put)
	if got, want := put.line(), "1 file, 256 MiB in 3.2 s, 80 MiB/s · rdma rxe0/1 -> rxe1/1 · verified xxh3 256 chunks · 0 retries"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	get := sampleOutcome(transport.Get)
	get.result.Chunks, get.result.Retried, get.result.Elapsed = 1, 1, 0
	if got, want := get.line(), "1 file, 256 MiB in 0 ms, 0 B/s · rdma rxe1/1 -> rxe0/1 · verified xxh3 1 chunk · 1 retry"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	tree := sampleOutcome(transport.Put)
	tree.tally = tally{Unchanged: 3, Skipped: 2, Deleted: 4}
	tree.problems, tree.unproven = 1, true
	tree.result.LostRails = []string{"rxe2/1"}
	tree.result.Files, tree.result.Resumed, tree.result.Kept = 1200, 300<<20, 1<<30
	if got, want := tree.line(), "1,205 files (3 unchanged, 2 left alone), 256 MiB in 3.2 s, 80 MiB/s · rdma rxe0/1 -> rxe1/1 · not verified · resumed 300 MiB · kept 1.0 GiB · lost rail rxe2/1 · 4 deleted · 1 problem · 0 retries"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestLedger(t *testing.T) {
	t.Parallel()
	put := sampleOutcome(transport.Put)
	const bound = "  bound by writing the destination there (78 % of the time of all chunks in flight), at 80 MiB/s"
	want := `  here   256 MiB moved, 6.0 MiB copied by a CPU, 250 MiB by the page cache in 32 windows, 0 work requests, 0 completions, 0 wakeups
         copied, because it is so
  there  256 MiB moved, 0 B copied by a CPU, 256 MiB by O_DIRECT, 256 work requests, 256 completions, 1 wakeup
` + bound
	if got := put.ledger(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	golden(t, "testdata/stats.txt", []byte(put.stats()+"\n"))
}

// What a copy waited for is the stage that holds the slots, at whichever end.
func TestBound(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]func(here, there *client.Counters){
		"bound by files, names and messages, at 80 MiB/s": func(here, there *client.Counters) {
			there.Sink, there.Wire, here.Digest = time.Second, time.Second, time.Second
		},
		"bound by the wire (100 % of the time of all chunks in flight), at 80 MiB/s": func(_, there *client.Counters) {
			there.Wire = 16 * 3200 * time.Millisecond
		},
		"bound by digests here (50 % of the time of all chunks in flight), at 80 MiB/s": func(here, there *client.Counters) {
			here.Digest, there.Sink = 8*3200*time.Millisecond, 0
		},
		"bound by reading the source here (90 % of the time of all chunks in flight), at 80 MiB/s": func(here, there *client.Counters) {
			here.Source, there.Wire = 46080*time.Millisecond, 20*time.Second
		},
	} {
		o := sampleOutcome(transport.Put)
		o.result.Remote.Stats = transport.Stats{}
		c(&o.result.Local, &o.result.Remote)
		if got := o.bound().String(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	nothing := sampleOutcome(transport.Put)
	nothing.result.Bytes = 0
	if b := nothing.bound(); b != (bound{}) {
		t.Errorf("%+v", b)
	}
	o := sampleOutcome(transport.Put)
	for limit, want := range map[int64]string{90 << 20: "bound by --bwlimit, at 80 MiB/s", 200 << 20: o.bound().String()} {
		o.limit = limit
		if got := o.bound().String(); got != want {
			t.Errorf("limited to %d: got  %s\nwant %s", limit, got, want)
		}
	}
}

// TestJSONGolden holds the lines of --json to testdata/lines.json: what stands
// there is an interface.
func TestJSONGolden(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	a := &app{io: IO{Stdout: &out}, opts: options{talking: talking{json: true}}}
	put := sampleOutcome(transport.Put)
	if err := errors.Join(
		a.started(put.job, put.peer),
		a.summarise(put),
		a.summarise(sampleOutcome(transport.Get)),
		writeLine(&out, newErrorLine(&fault.Error{Code: fault.NoSpace, Host: "gpu7", What: "writing /b", Why: errors.New("disk <full>")})),
		writeLine(&out, deviceLine{head{jsonVersion, "device"}, sampleRail()}),
	); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/lines.json", out.Bytes())
}

// golden compares with a file, or writes it where UPDATE_GOLDEN is set.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; UPDATE_GOLDEN=1 go test writes it anew. Got:\n%s", name, got)
	}
}

func sampleRail() device.Rail {
	return device.Rail{
		Device: "rxe0", Port: 1, Transport: "InfiniBand", State: device.StateActive, LinkLayer: device.Ethernet,
		GIDs:   []device.GID{{Addr: netip.MustParseAddr("10.77.0.1"), Index: 1, Kind: device.RoCEv2, NetDev: "eth0"}},
		NetDev: "eth0", Addresses: []netip.Prefix{netip.MustParsePrefix("10.77.0.1/24")}, MTU: 1500,
		ActiveMTU: 1024, MaxMTU: 4096, SpeedGbps: 2.5, NUMANode: -1, MaxMessage: 8 << 20, MaxRead: 128, MaxReadOut: 128,
	}
}

func TestDevices(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	down := device.Rail{Device: "mlx5_0", Port: 2, State: "DOWN", LinkLayer: device.InfiniBand, NUMANode: 1}
	a := &app{io: IO{Stdout: &out}, rails: func() ([]device.Rail, error) { return []device.Rail{down, sampleRail()}, nil }}
	if err := a.listDevices(); err != nil {
		t.Fatal(err)
	}
	want := "" +
		"DEVICE    STATE   LINK        SPEED     NETDEV  MTU   RDMA MTU  NUMA  ADDRESSES     NOTE\n" +
		"mlx5_0/2  DOWN    infiniband  -         -       -     -         1     -             port DOWN\n" +
		"rxe0/1    ACTIVE  ethernet    2.5 Gb/s  eth0    1500  1024      -     10.77.0.1/24  ok\n"
	if got := out.String(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestHelpGolden(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"help": {"--help"}, "help-devices": {"devices", "--help"}, "help-verify": {"verify", "--help"}, "help-bench": {"bench", "--help"}, "help-doctor": {"doctor", "--help"}, "help-top": {"top", "--help"}, "help-config": {"config", "--help"}, "help-config-show": {"config", "show", "--help"}} {
		var out, errs bytes.Buffer
		if code := Main(t.Context(), args, IO{Stdout: &out, Stderr: &errs, Env: []string{}}, nil); code != 0 || errs.Len() > 0 {
			t.Fatalf("%v: exit code %d, %s", args, code, &errs)
		}
		golden(t, "testdata/"+name+".txt", out.Bytes())
		for line := range strings.Lines(out.String()) {
			if strings.ContainsRune(line, '\t') {
				t.Errorf("a tab in %q", line)
			}
		}
	}
}

func TestAsFault(t *testing.T) {
	t.Parallel()
	live := t.Context()
	ended, cancel := context.WithCancelCause(live)
	cancel(errors.New("interrupt signal received"))
	lost := fault.New(fault.Lost, "moving chunks", errors.New("gone"), "")
	full := fault.New(fault.NoSpace, "writing", errors.New("full"), "")
	tests := []struct {
		name string
		done bool // the context has ended
		err  error
		want fault.Code
	}{
		{"fault", false, full, fault.NoSpace},
		{"wrapped fault", false, fmt.Errorf("x: %w", errors.Join(full, lost)), fault.NoSpace},
		{"no fault", false, errors.New("x"), fault.Internal},
		{"deadline", false, context.DeadlineExceeded, fault.Timeout},
		{"interrupted", true, context.Canceled, fault.Interrupted},
		{"lost by the interrupt", true, lost, fault.Interrupted},
		{"full ahead of the interrupt", true, full, fault.NoSpace},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ctx := live
			if tt.done {
				ctx = ended
			}
			f := (&app{what: "copying a to b", again: ": it continues where this one stopped"}).asFault(ctx, tt.err)
			if f.Code != tt.want {
				t.Errorf("code %v, want %v", f.Code, tt.want)
			}
			if f.Code == fault.Interrupted && (!strings.Contains(f.Why.Error(), "signal") || !strings.Contains(f.Fix, "continues where")) {
				t.Errorf("%v; fix: %s", f, f.Fix)
			}
		})
	}
}
