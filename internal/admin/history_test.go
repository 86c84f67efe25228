package admin

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/server"
)

// moving is a daemon that has moved so much.
type moving struct {
	Daemon
	put, get uint64
}

func (m *moving) Totals() map[server.Way]server.Totals {
	all := map[server.Way]server.Totals{}
	for direction, n := range map[string]uint64{"put": m.put, "get": m.get} {
		t := server.Totals{}
		t.Stats.Bytes = n
		t.Devices = map[string]uint64{"mlx5_0/1": n / 4, "mlx5_1/1": n / 4, "": n / 2}
		all[server.Way{Transport: "rdma", Direction: direction}] = t
	}
	return all
}

// The page draws how fast bytes have moved, of the last ten minutes and no more.
func TestHistory(t *testing.T) {
	t.Parallel()
	d, h := &moving{put: 1 << 40}, &history{} // what moved before it looked is of no account
	now := time.Now()
	for range 200 {
		h.look(d, now)
		now = now.Add(lookEvery)
	}
	d.put, d.get = d.put+10<<20, d.get+5<<20
	h.look(d, now)
	puts, gets := h.rates("put"), h.rates("get")
	if len(puts) != 120 || puts[0] != 0 || puts[119] != 2<<20 || gets[119] != 1<<20 {
		t.Errorf("%d rates, the last %v and %v", len(puts), puts[len(puts)-1], gets[len(gets)-1])
	}
	w := httptest.NewRecorder()
	page{d, Self{Version: "test"}, h}.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	for _, want := range []string{"at most 2.0 MiB/s", "<td>mlx5_0/1</td><td>256 GiB</td><td>768 KiB/s</td>", "<td>mlx5_1/1</td>", `class="put" points="6,120 12,120 `, ` 720,0"`, `class="get" points="6,120 12,120 `, ` 720,60"`} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the page lacks %q:\n%s", want, w.Body)
		}
	}
}

// One that has just started has nothing to draw.
func TestNoHistory(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	page{&moving{}, Self{}, &history{}}.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	if strings.Contains(w.Body.String(), "<polyline") || strings.Contains(w.Body.String(), "<th>rail") {
		t.Error(w.Body)
	}
}
