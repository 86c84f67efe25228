package rdmad

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/mtls"
	"github.com/rdmacp/rdmacp/internal/server"
	"github.com/rdmacp/rdmacp/internal/wire"
)

// maxMaxSessions keeps a slip of the pen from pinning all memory.
const maxMaxSessions = 4096

// badValue is the fault of a setting's value.
func badValue(key string, value any, why, fix string) error {
	return fault.New(fault.Usage, fmt.Sprintf("reading the setting %s = %v", key, value), errors.New(why), fix)
}

// check makes a config of what was written, or says which value is wrong.
func (r *raw) check() (c config, err error) {
	c = config{
		insecure: r.Insecure, tls: mtls.Files{Cert: r.TLSCert, Key: r.TLSKey, CA: r.TLSCA, CRL: r.TLSCRL}, device: r.Device, transport: r.Transport, landlock: r.Landlock,
		slots: r.Slots, maxSessions: r.MaxSessions, maxClient: r.MaxClient, operators: r.Operators, logFormat: r.LogFormat,
	}
	if r.TLSCA != "" && r.TLSCRL == "" {
		c.tls.CRL, c.tls.CRLMayCome = filepath.Join(filepath.Dir(r.TLSCA), "ca.crl"), true // where rdmad pki puts it: what is revoked is to have no effect by oversight only
	}
	if c.listen, err = parseListen(r.Listen); err != nil {
		return c, err
	}
	if c.exports, err = r.exports(); err != nil {
		return c, err
	}
	if err := (server.Limit{Match: c.operators}).Check(); err != nil {
		return c, badValue(keyOperators, c.operators, err.Error(), "a pattern is a name, in which * and ? stand for anything but a slash")
	}
	if c.limits, err = r.limits(); err != nil {
		return c, err
	}
	if c.chunkSize, err = chunkSize(r.ChunkSize); err != nil {
		return c, err
	}
	if c.drainTimeout, err = timeout(keyDrainTimeout, r.DrainTimeout); err != nil {
		return c, err
	}
	if c.stallTimeout, err = timeout(keyStallTimeout, r.StallTimeout); err != nil {
		return c, err
	}
	if c.admin, c.metrics, err = r.asked(); err != nil {
		return c, err
	}
	if err := c.logLevel.UnmarshalText([]byte(r.LogLevel)); err != nil {
		return c, badValue(keyLogLevel, r.LogLevel, "there is no such level", "give debug, info, warn or error")
	}
	return c, c.inRange()
}

// asked are the addresses at which the daemon says what it does.
func (r *raw) asked() (admin, metrics *address, err error) {
	if path := strings.TrimPrefix(r.Admin, "unix:"); path != "" {
		if !filepath.IsAbs(path) {
			return nil, nil, badValue(keyAdmin, r.Admin, "it is not the path of a unix socket", "give an absolute path, as "+defaultAdmin)
		}
		admin = &address{text: "unix:" + path, unix: path}
	}
	if r.Metrics != "" {
		list, err := parseListen([]string{r.Metrics})
		if err != nil {
			return nil, nil, badValue(keyMetrics, r.Metrics, "it is not an address", "give host:port or [v6]:port")
		}
		metrics = &list[0]
	}
	return admin, metrics, nil
}

// inRange checks the numbers and the words.
func (c config) inRange() error {
	switch {
	case c.tls != (mtls.Files{}) && (c.tls.Cert == "" || c.tls.Key == "" || c.tls.CA == ""):
		return fault.New(fault.Usage, "reading the settings of TLS", errors.New("there are some, and others are missing"),
			"give tls-cert, tls-key and tls-ca, all three; rdmad pki makes them")
	case c.insecure && c.tls.Cert != "":
		return badValue(keyInsecure, true, "there is a certificate, so connections are under TLS", "give one of the two")
	case c.slots < 1 || c.slots > wire.MaxSlots:
		return badValue(keySlots, c.slots, "out of range", fmt.Sprintf("give a number from 1 to %d", wire.MaxSlots))
	case c.maxSessions < 1 || c.maxSessions > maxMaxSessions:
		return badValue(keyMaxSessions, c.maxSessions, "out of range", fmt.Sprintf("give a number from 1 to %d", maxMaxSessions))
	case c.maxClient < 1 || c.maxClient > maxMaxSessions:
		return badValue(keyMaxClient, c.maxClient, "out of range", fmt.Sprintf("give a number from 1 to %d", maxMaxSessions))
	case c.landlock != "auto" && c.landlock != "require" && c.landlock != "off":
		return badValue(keyLandlock, c.landlock, "there is no such word", "give auto, require or off")
	case c.transport != "auto" && c.transport != "rdma" && c.transport != "tcp":
		return badValue(keyTransport, c.transport, "there is no such transport", "give auto, rdma or tcp")
	case c.transport == "tcp" && c.device != "":
		return badValue(keyDevice, c.device, "the device is one for RDMA, and the transport is tcp", "give one of them")
	case c.logFormat != "auto" && c.logFormat != "text" && c.logFormat != "json":
		return badValue(keyLogFormat, c.logFormat, "there is no such format", "give auto, text or json")
	}
	return nil
}

// chunkSize reads a size such as 4MiB.
func chunkSize(s string) (int, error) {
	n, err := humanize.ParseBytes(s)
	if err != nil || n < wire.MinChunk || n > wire.MaxChunk {
		return 0, badValue(keyChunkSize, s, "not the size of a chunk",
			fmt.Sprintf("give a size from %s to %s", humanize.IBytes(wire.MinChunk), humanize.IBytes(wire.MaxChunk)))
	}
	return int(n), nil
}

// timeout reads a time such as 30s.
func timeout(key, s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, badValue(key, s, "not a time", "give a number with its unit, as in 30s or 5m")
	}
	return d, nil
}

// logger writes the log to stderr.
func (a *app) logger(c config) *slog.Logger {
	a.level.Set(c.logLevel)
	o := &slog.HandlerOptions{Level: &a.level}
	if c.logFormat == "text" || c.logFormat == "auto" && a.io.Terminal() {
		return slog.New(slog.NewTextHandler(a.io.Stderr, o))
	}
	return slog.New(slog.NewJSONHandler(a.io.Stderr, o))
}
