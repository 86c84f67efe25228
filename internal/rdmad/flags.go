package rdmad

import "github.com/spf13/pflag"

// defaultAdmin is the socket that rdmad status and rdmad cancel ask.
const defaultAdmin = "/run/rdmad/admin.sock"

// The keys of the configuration. All but config are flags, variables and keys of
// the file by the same name.
const (
	keyConfig       = "config"
	keyListen       = "listen"
	keyInsecure     = "insecure"
	keyTLSCert      = "tls-cert"
	keyTLSKey       = "tls-key"
	keyTLSCA        = "tls-ca"
	keyTLSCRL       = "tls-crl"
	keyExport       = "export"
	keyClient       = "client"
	keyDevice       = "device"
	keyTransport    = "transport"
	keyLandlock     = "landlock"
	keyLogLevel     = "log-level"
	keyLogFormat    = "log-format"
	keyChunkSize    = "chunk-size"
	keySlots        = "slots"
	keyMaxSessions  = "max-sessions"
	keyMaxClient    = "max-client-sessions"
	keyOperators    = "operators"
	keyDrainTimeout = "drain-timeout"
	keyStallTimeout = "stall-timeout"
	keyAdmin        = "admin"
	keyMetrics      = "metrics"
)

// keys lists what a file and the environment may set.
func keys() []string {
	return []string{
		keyListen, keyInsecure, keyTLSCert, keyTLSKey, keyTLSCA, keyTLSCRL, keyExport, keyClient, keyDevice, keyTransport, keyLandlock, keyLogLevel, keyLogFormat,
		keyChunkSize, keySlots, keyMaxSessions, keyMaxClient, keyOperators, keyDrainTimeout, keyStallTimeout, keyAdmin, keyMetrics,
	}
}

// addFlags defines the flags. Their defaults are those of the configuration.
func addFlags(f *pflag.FlagSet) {
	f.StringArray(keyExport, nil, "export a directory under a name, `NAME=DIR[:ro]`, with :ro read-only; may be repeated")
	f.StringArray(keyListen, []string{"127.0.0.1:7471"}, "`address` to listen on, host:port or unix:/path; may be repeated")
	f.String(keyTLSCert, "", "`file` with this daemon's certificate: TCP is spoken under TLS then, and clients have to have one, too")
	f.String(keyTLSKey, "", "`file` with its private key")
	f.String(keyTLSCA, "", "`file` with the CAs whose clients are let in")
	f.String(keyTLSCRL, "", "`file` with lists of certificates that were revoked (default: ca.crl beside the CAs, if it exists)")
	f.Bool(keyInsecure, false, "listen beyond this host without TLS: on a network that you trust")
	f.String(keyConfig, "", "configuration `file` (default ~/.config/rdmad/config.toml, or else "+systemFile+", if it exists)")
	f.String(keyDevice, "", "RDMA `device` to use, as in mlx5_0 or mlx5_0/1 (default: the one that reaches the client)")
	f.String(keyTransport, "auto", "`how` the bytes may travel: rdma, tcp, or auto: either, as the client asks and the host can")
	f.String(keyChunkSize, "4MiB", "the largest `size` of a chunk that a client gets")
	f.Int(keySlots, 16, "`number` of chunks in flight for each session; each pins the size of a chunk in memory")
	f.Int(keyMaxSessions, 32, "`number` of sessions at once")
	f.Int(keyMaxClient, 16, "`number` of them that one client may have: whoever has the same names in a certificate or, without one, a host")
	f.StringSlice(keyOperators, nil, "`names` in certificates, or patterns of them, who may see what all clients do (rdmacp top); others see their own copies")
	f.String(keyDrainTimeout, "30s", "how `long` sessions may go on after SIGTERM")
	f.String(keyStallTimeout, "1h", "how `long` a copy may stand still in which it is the client's turn; six times as long with digests of whole files, 0 for ever")
	f.String(keyAdmin, "", "unix socket to make at `path` for rdmad status and rdmad cancel, metrics and profiles: "+defaultAdmin+" is where they look")
	f.String(keyMetrics, "", "`address` to show metrics at by HTTP, to Prometheus (/metrics) and to people, without a name of anybody")
	f.String(keyLandlock, "auto", "`whether` the kernel's Landlock keeps the daemon to what it exports: auto, where there is one; require; off")
	f.String(keyLogLevel, "info", "`level` of the log: debug, info, warn, error")
	f.String(keyLogFormat, "auto", "`format` of the log: text, json, or auto, text on a terminal only")
}

// flagNames lists the flags.
func flagNames(f *pflag.FlagSet) []string {
	var names []string
	f.VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return names
}
