package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/net/netutil"
)

// Bounds on what whoever asks can make the daemon hold.
const (
	maxConns    = 32
	maxHeader   = 16 << 10
	headerLimit = 5 * time.Second
	answerLimit = 2 * time.Minute // a profile takes as long as it was asked to
	idleLimit   = time.Minute
)

// Server answers by HTTP.
type Server struct {
	http *http.Server
	lis  net.Listener
	rpc  RPC    // nil: none
	stop func() // ends what watches the daemon
	done sync.WaitGroup
}

// RPC is a server of gRPC's.
type RPC interface {
	Serve(lis net.Listener) error
	Stop()
}

// Public serves what anyone may know: /metrics, and a page for people.
func Public(lis net.Listener, d Daemon, self Self, metrics prometheus.Gatherer, log *slog.Logger) *Server {
	past := &history{}
	return serve(lis, public(d, self, metrics, past), d, past, log)
}

// Private serves what is for those who run the daemon: besides that /v1/status, POST
// /v1/sessions/ID/cancel, /v1/tokens, and /debug/pprof. Who comes by gRPC is served by rpc.
func Private(lis net.Listener, d Daemon, self Self, metrics prometheus.Gatherer, rpc RPC, log *slog.Logger) *Server {
	past := &history{}
	mux := public(d, self, metrics, past)
	mux.HandleFunc("GET /v1/status", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(status(d, self)) // who has asked may have left
	})
	mux.HandleFunc("POST /v1/sessions/{id}/cancel", func(w http.ResponseWriter, r *http.Request) {
		if !d.Cancel(r.PathValue("id")) {
			http.Error(w, "there is no such session", http.StatusNotFound)
			return
		}
		log.Warn("session cancelled", slog.String("session", r.PathValue("id")))
		w.WriteHeader(http.StatusNoContent)
	})
	tokens(mux, d, log)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	parts := newSplit(netutil.LimitListener(lis, maxConns))
	s := serve(parts.plain, mux, d, past, log)
	s.rpc = rpc
	s.done.Go(func() { _ = rpc.Serve(parts.rpc) }) // until it is stopped
	return s
}

// public are the answers that anyone gets.
func public(d Daemon, self Self, metrics prometheus.Gatherer, past *history) *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{MaxRequestsInFlight: maxConns}))
	mux.Handle("GET /{$}", page{d, self, past})
	return mux
}

// serve serves a listener, and watches the daemon, until Close.
func serve(lis net.Listener, h http.Handler, d Daemon, past *history, log *slog.Logger) *Server {
	s := &Server{
		http: &http.Server{
			Handler: h, MaxHeaderBytes: maxHeader, ReadHeaderTimeout: headerLimit, ReadTimeout: headerLimit, WriteTimeout: answerLimit, IdleTimeout: idleLimit,
			ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		},
		lis: lis,
	}
	stop := make(chan struct{})
	s.stop = sync.OnceFunc(func() { close(stop) })
	s.done.Go(func() { past.watch(d, stop) })
	s.done.Go(func() {
		if err := s.http.Serve(netutil.LimitListener(lis, maxConns)); !errors.Is(err, http.ErrServerClosed) {
			log.Error("nobody can ask this daemon any more", slog.Any("error", err))
		}
	})
	return s
}

// Close ends the server, and lets nobody finish.
func (s *Server) Close() error {
	err := s.http.Close()
	if s.rpc != nil {
		s.rpc.Stop()
	}
	s.stop()
	s.done.Wait()
	return err
}

// Ask asks the daemon whose socket is at path. In is what it is told, and out what its
// answer is put into; nil for nothing. What the daemon refuses it refuses with a fault.
func Ask(ctx context.Context, path, method, what string, in, out any) error {
	c := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		},
	}}
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			return err
		}
	}
	q, err := http.NewRequestWithContext(ctx, method, "http://rdmad"+what, &body)
	if err != nil {
		return err
	}
	a, err := c.Do(q)
	if err != nil {
		return errors.Unwrap(err) // without a URL that nobody has typed
	}
	defer func() { _ = a.Body.Close() }()
	switch {
	case a.StatusCode == http.StatusNotFound:
		return ErrNone
	case a.StatusCode == http.StatusUnprocessableEntity:
		return refused(a)
	case a.StatusCode >= http.StatusBadRequest:
		return errors.New(a.Status)
	case out == nil:
		return nil
	}
	return json.NewDecoder(a.Body).Decode(out)
}

// ErrNone says that there is nothing of that name.
var ErrNone = errors.New("there is none")
