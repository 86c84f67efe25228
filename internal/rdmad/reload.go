package rdmad

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"reflect"
	"strings"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/server"
)

// reloadLimit is how long a daemon that stops waits for a reload that it is at.
const reloadLimit = time.Second

// reloads has every SIGHUP take the configuration anew, until the function that it returns is
// called. A terminal that is closed sends one, too, and means the end; but not to a daemon
// that nohup has started, for which one more look at its configuration is no harm.
func (a *app) reloads(log *slog.Logger, srv *server.Server, c config, confined bool, again func() (config, error)) (stop func()) {
	if a.io.Terminal() {
		return func() {}
	}
	hup, ended := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(hup, syscall.SIGHUP)
	go func() {
		defer close(ended)
		for range hup {
			notify(log, daemon.SdNotifyReloading)
			a.reload(log, srv, c, confined, again)
			notify(log, daemon.SdNotifyReady)
		}
	}()
	return func() {
		signal.Stop(hup)
		close(hup)
		select {
		case <-ended:
		case <-time.After(reloadLimit): // an export may lie on a file server that is gone
		}
	}
}

// reload puts what the configuration says now into force; c is what the daemon has started with, and was
// confined to where Landlock confines it.
// What is wrong with it is logged, and leaves what was in force.
func (a *app) reload(log *slog.Logger, srv *server.Server, c config, confined bool, again func() (config, error)) {
	next, err := again()
	if err == nil && confined {
		err = next.writable(c)
	}
	if err == nil {
		err = srv.Reload(next.exports, next.limits)
	}
	if err != nil {
		f, ok := fault.As(err)
		if !ok {
			f = fault.New(fault.Internal, "reading the configuration again", err, "")
		}
		f = console.Complete(f)
		if errors.Is(err, fs.ErrPermission) {
			f.Fix = "see that the user rdmad may reach it; what is exported anew is out of reach for a daemon that Landlock confines, and needs a restart"
		}
		log.Error("the configuration is not taken, and what was in force stays so", slog.String("reason", f.Error()), slog.String("fix", f.Fix))
		return
	}
	a.level.Set(next.logLevel)
	if keys := needRestart(c.written, next.written); len(keys) > 0 {
		log.Warn("these settings have changed, and need a restart", slog.String("keys", strings.Join(keys, ",")))
	}
	logExports(log, next)
	log.Info("reloaded", slog.String("file", next.file))
}

// needRestart are the keys that have changed, but for those that a reload puts into force.
func needRestart(was, is raw) (keys []string) {
	before, after := reflect.ValueOf(was), reflect.ValueOf(is)
	for i := range before.NumField() {
		key := before.Type().Field(i).Tag.Get("koanf")
		if key != keyExport && key != keyClient && key != keyLogLevel && !reflect.DeepEqual(before.Field(i).Interface(), after.Field(i).Interface()) {
			keys = append(keys, key)
		}
	}
	return keys
}
