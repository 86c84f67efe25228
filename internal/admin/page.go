package admin

import (
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/server"
)

// page shows a daemon at a glance: no addresses, names or paths of anybody.
type page struct {
	d    Daemon
	self Self
	past *history
}

// row is a Way on the page.
type row struct {
	Transport, Direction string
	Open                 int
	Moved, Copied        string // bytes
	Files, Problems      string // counts, as the others are
	Done, Failed         string
	Mismatches           string
	Fallbacks            string
	Slowest              string // the stage that chunks have spent the most time in
}

var pageTemplate = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5"><title>rdmad</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #222; background: #fff }
table { border-collapse: collapse; width: 100%; margin-bottom: 1.5rem } td { white-space: nowrap } th, td { text-align: right; padding: .35rem .6rem; border-bottom: 1px solid #ddd }
th { font-weight: 600; color: #555 } th:first-child, td:first-child { text-align: left } .bad { color: #b00020; font-weight: 600 }
svg { width: 100%; height: 8rem; margin: .5rem 0 1.5rem; background: #f4f4f4 } polyline { fill: none; stroke-width: 2; vector-effect: non-scaling-stroke }
.put { stroke: #0b6bcb; color: #0b6bcb } .get { stroke: #c2570c; color: #c2570c }
@media (prefers-color-scheme: dark) { svg { background: #222 } body { color: #ddd; background: #181818 } th { color: #aaa } th, td { border-color: #333 } .bad { color: #ff7f8a } }
</style></head><body>
<h1>rdmad</h1>
<p>{{.Version}}, up {{.Up}}, {{.Open}} open, {{.Moved}} moved. Figures since it started; <a href="/metrics">/metrics</a> has all.</p>
{{if .Puts}}<p>The last {{.Back}}, at most {{.Most}}/s: <span class="put">put</span>, <span class="get">get</span>.</p>
<svg viewBox="0 -2 {{.Width}} {{.Height}}" preserveAspectRatio="none" role="img" aria-label="bytes a second"><polyline class="put" points="{{.Puts}}"/><polyline class="get" points="{{.Gets}}"/></svg>
{{end}}{{if .Rails}}<table>
<tr><th>rail</th><th>moved</th><th>now</th></tr>
{{range .Rails}}<tr><td>{{.Name}}</td><td>{{.Moved}}</td><td>{{.Now}}</td></tr>
{{end}}</table>
{{end}}{{if .Rows}}<table>
<tr><th>way</th><th>open</th><th>moved</th><th>copied by a CPU</th><th>files</th><th>not copied</th><th>transfers</th><th>failed</th><th>moved again</th><th>by TCP for want of RDMA</th><th>chunks waited for</th></tr>
{{range .Rows}}<tr><td>{{.Direction}} by {{.Transport}}</td><td>{{.Open}}</td><td>{{.Moved}}</td><td>{{.Copied}}</td><td>{{.Files}}</td><td>{{.Problems}}</td><td>{{.Done}}</td><td{{if ne .Failed "0"}} class="bad"{{end}}>{{.Failed}}</td><td>{{.Mismatches}}</td><td>{{.Fallbacks}}</td><td>{{.Slowest}}</td></tr>
{{end}}</table>{{else}}<p>Nobody has come yet.</p>{{end}}
</body></html>
`))

// ServeHTTP writes the page.
func (p page) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	totals := p.d.Totals()
	var all struct {
		Version, Up, Moved, Open string
		Rows                     []row
		Rails                    []rail
		Back, Most, Puts, Gets   string // of the drawing
		Width, Height            int
	}
	var moved, open int64
	for _, way := range slices.SortedFunc(maps.Keys(totals), func(a, b server.Way) int { return strings.Compare(a.Transport+a.Direction, b.Transport+b.Direction) }) {
		t := totals[way]
		moved += int64(t.Stats.Bytes)
		open += int64(t.Open)
		if way.Transport != "" {
			all.Rows = append(all.Rows, newRow(way, t))
		}
	}
	all.Version, all.Up = p.self.Version, console.Duration(time.Since(p.self.Started))
	all.Moved, all.Open = console.Bytes(moved), console.Count(open, "session", "sessions")
	all.Rails = p.past.rails()
	puts, gets := p.past.rates("put"), p.past.rates("get")
	if len(puts) > 0 {
		most := max(slices.Max(puts), slices.Max(gets))
		all.Back, all.Most = console.Duration(lookBack), console.Bytes(int64(most))
		all.Puts, all.Gets = line(puts, most), line(gets, most)
		all.Width, all.Height = drawWidth, drawHeight+4
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	_ = pageTemplate.Execute(w, all) // who has asked may have left
}

// newRow is what the page shows of a Way.
func newRow(w server.Way, t server.Totals) row {
	var done, fallbacks int64
	for _, n := range t.Transfers {
		done += n
	}
	for _, n := range t.Fallbacks {
		fallbacks += n
	}
	slowest, longest := "-", time.Duration(0)
	for name, d := range map[string]time.Duration{"the source": t.Stats.Source, "registration": t.Stats.Map, "the wire": t.Stats.Wire, "the sink": t.Stats.Sink, "digests": t.Stats.Digest} {
		if d > longest {
			slowest, longest = name, d
		}
	}
	return row{
		Transport: w.Transport, Direction: w.Direction, Open: t.Open,
		Moved: console.Bytes(int64(t.Stats.Bytes)), Copied: console.Bytes(int64(t.Stats.CopiedBytes + t.Stats.SocketBytes)),
		Files: console.Number(t.Report.Files), Problems: console.Number(t.Report.Problems), Fallbacks: console.Number(fallbacks), Mismatches: console.Number(t.Report.Damaged),
		Failed: console.Number(done - t.Transfers[fault.OK]), Done: console.Number(done), Slowest: slowest,
	}
}
