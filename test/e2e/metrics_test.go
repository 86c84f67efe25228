//go:build linux

package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
)

// metrics is what a daemon says of itself, as Prometheus reads it.
type metrics string

// scrape asks a daemon for it.
func scrape(ctx context.Context, address string) (metrics, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/metrics", nil)
	if err != nil {
		return "", err
	}
	a, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(q)
	if err != nil {
		return "", err
	}
	defer func() { _ = a.Body.Close() }()
	text, err := io.ReadAll(a.Body)
	return metrics(text), err
}

// sum is a metric, all of whose labels are taken together; 0 if there is none of it yet.
func (m metrics) sum(name string) (sum float64) {
	for _, found := range regexp.MustCompile(`(?m)^`+name+`(?:{[^}]*})? (\S+)$`).FindAllStringSubmatch(string(m), -1) {
		if value, err := strconv.ParseFloat(found[1], 64); err == nil {
			sum += value
		}
	}
	return sum
}

// held is how many descriptors and goroutines a daemon has.
type held struct{ files, goroutines float64 }

// leastHeld is the least of several looks: what gathers the metrics has goroutines of its own, now one and now two.
func leastHeld() (least held, err error) {
	for i := range 8 {
		m, err := scrape(context.Background(), mainMetrics)
		if err != nil {
			return least, err
		}
		now := held{m.sum("process_open_fds"), m.sum("go_goroutines")}
		if i == 0 {
			least = now
		}
		least = held{min(least.files, now.files), min(least.goroutines, now.goroutines)}
	}
	return least, nil
}

// grown says in what a daemon holds more than it did once it was first at rest; empty if it does not.
func (d *daemon) grown() string {
	if !d.alive() {
		return ""
	}
	now, err := leastHeld()
	if err != nil {
		return err.Error()
	}
	if now.files == 0 || now.goroutines == 0 {
		return "the metrics say nothing of descriptors and goroutines"
	}
	if d.rest == (held{}) {
		d.rest = now
	}
	if now.files > d.rest.files || now.goroutines > d.rest.goroutines {
		return fmt.Sprintf("the daemon has %.0f descriptors and %.0f goroutines, and had %.0f and %.0f", now.files, now.goroutines, d.rest.files, d.rest.goroutines)
	}
	return ""
}

// explain ends a daemon that has grown, so that its log says what each goroutine does.
func (d *daemon) explain(n *node) {
	if n == d.host && d.grown() != "" {
		_, _ = n.sh("kill -QUIT %d", d.pid)
		_, _ = d.wait()
	}
}
