package rdmacp

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"
)

func TestMeter(t *testing.T) {
	t.Parallel()
	var m meter
	begun := time.Unix(1000, 0)
	at := func(s int) time.Time { return begun.Add(time.Duration(s) * time.Second) }
	m.start(begun)
	m.expect(1, 1000)
	if s := m.sample(begun); s.Rate != 0 || s.Left >= 0 {
		t.Errorf("at the start: %+v", s)
	}
	for s := 1; s <= 6; s++ {
		m.add(10)
		m.sample(at(s))
	}
	if s := m.sample(at(6)); s.Done != 60 || s.Rate != 10 || s.Left != 94*time.Second {
		t.Errorf("after 6 s: %+v", s)
	}
	// A stall shows within the window.
	if s := m.sample(at(8)); s.Rate >= 10 || s.Rate <= 0 {
		t.Errorf("in a stall: %+v", s)
	}
	if s := m.sample(at(14)); s.Rate != 0 || s.Left >= 0 {
		t.Errorf("stalled: %+v", s)
	}
	// Chunks that are moved twice, and streams, make the whole larger.
	m.add(2000)
	if s := m.sample(at(15)); s.Done != 2060 || s.Total != 2060 || s.Left != 0 {
		t.Errorf("at the end: %+v", s)
	}
}

func TestMeterWithSlowSamples(t *testing.T) {
	t.Parallel()
	var m meter
	begun := time.Unix(1000, 0)
	m.start(begun)
	m.expect(1, 1000)
	m.add(300)
	m.sample(begun.Add(30 * time.Second))
	m.add(600)
	if s := m.sample(begun.Add(60 * time.Second)); s.Rate != 20 {
		t.Errorf("rate %v, want that of the last 30 s", s.Rate)
	}
}

func TestPlainProgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := plainProgress(&out, "big")
		p.start()
		p.meter.expect(1, 90<<20)
		time.Sleep(time.Second / 2) // lest a line and a chunk come at one instant
		for range 63 {              // seconds: lines come after 2, 6, 14, 30 and 60 of them
			p.meter.add(1 << 20)
			time.Sleep(time.Second)
		}
		p.stop()
		p.stop()
		want := "big: 2.0 MiB of 90 MiB  1.0 MiB/s  ETA 1 m 28 s\n" +
			"big: 6.0 MiB of 90 MiB  1.0 MiB/s  ETA 1 m 24 s\n" +
			"big: 14 MiB of 90 MiB  1.0 MiB/s  ETA 1 m 16 s\n" +
			"big: 30 MiB of 90 MiB  1.0 MiB/s  ETA 1 m 0 s\n" +
			"big: 60 MiB of 90 MiB  1.0 MiB/s  ETA 30 s\n"
		if got := out.String(); got != want {
			t.Errorf("got:\n%s\nwant:\n%s", got, want)
		}
	})
}

func TestJSONProgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := jsonProgress(&watch{stdout: &out})
		p.start()
		p.meter.expect(2, 100)
		time.Sleep(1100 * time.Millisecond)
		p.meter.add(50)
		time.Sleep(time.Second)
		p.stop()
		want := `{"v":1,"type":"progress","bytes":0,"total":100,"files":0,"total_files":2,"bytes_per_second":0,"eta_seconds":null}` + "\n" +
			`{"v":1,"type":"progress","bytes":50,"total":100,"files":0,"total_files":2,"bytes_per_second":25,"eta_seconds":2}` + "\n"
		if got := out.String(); got != want {
			t.Errorf("got:\n%s\nwant:\n%s", got, want)
		}
	})
}

func TestNoProgress(t *testing.T) {
	t.Parallel()
	p := &progress{}
	p.stop()
	p.start()
	p.meter.add(5)
	p.stop()
}

func TestBarLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	m := &messages{w: &out}
	p := barProgress(m, "name")
	p.start() // an empty file never fills its bar
	if _, err := m.Write([]byte("above\n")); err != nil {
		t.Fatal(err)
	}
	p.stop()
	if _, err := m.Write([]byte("after\n")); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	if !bytes.Contains(out.Bytes(), []byte("above\n")) || !bytes.HasSuffix(out.Bytes(), []byte("after\n")) {
		t.Errorf("messages beside a bar: %q", text)
	}
}

func TestShorten(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"short": "short", "exactly-ten": "exac…y-ten", "äöüäöüäöüäöü": "äöüä…üäöü"} {
		most := 10
		if got := shorten(name, most); got != want && len([]rune(got)) > most {
			t.Errorf("shorten(%q) = %q, want %q", name, got, want)
		}
	}
}
