package rdmacp

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/spf13/pflag"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/mtls"
	"github.com/rdmacp/rdmacp/internal/token"
)

// identifying is the flags about who the two ends are.
type identifying struct {
	tls      mtls.Files
	token    string // file
	insecure bool
}

// add defines the flags.
func (p *identifying) add(f *pflag.FlagSet) {
	f.StringVar(&p.tls.CA, "tls-ca", "", "`file` with the CAs whose daemons are trusted (default: ca.crt where the others are)")
	f.StringVar(&p.tls.Cert, "tls-cert", "", "`file` with the certificate of who copies (default: client.crt in ~/.config/rdmacp or /etc/rdmacp, where there is a ca.crt)")
	f.StringVar(&p.tls.Key, "tls-key", "", "`file` with its private key (default: client.key there)")
	f.StringVar(&p.tls.CRL, "tls-crl", "", "`file` with lists of certificates that were revoked (default: ca.crl there, if it exists)")
	f.BoolVar(&p.insecure, "insecure", false, "no TLS although there are certificates: to a daemon on this host, or in a network that you trust")
}

// addToken defines those of who has none of these.
func (p *identifying) addToken(f *pflag.FlagSet) {
	f.StringVar(&p.token, "token", "", "`file` with a token of the daemon's (rdmad token create), in the place of certificates")
}

// dirs are where certificates are looked for that no flag names.
func (a *app) dirs() []string {
	own := a.io.Getenv("XDG_CONFIG_HOME")
	if home := cmp.Or(a.io.Getenv("HOME"), a.io.Getenv("USERPROFILE")); own == "" && home != "" {
		own = filepath.Join(home, ".config")
	}
	var dirs []string
	if own != "" {
		dirs = append(dirs, filepath.Join(own, "rdmacp"))
	}
	if runtime.GOOS == "windows" {
		return dirs // whoever has an account may make a folder at the top of a drive
	}
	return append(dirs, systemDir)
}

// find returns the files to use; ok is false where there are none.
func (p *identifying) find(dirs []string) (f mtls.Files, ok bool) {
	if p.tls.Cert != "" || p.tls.Key != "" || p.tls.CA != "" || p.tls.CRL != "" {
		return p.tls, true
	}
	for _, dir := range dirs {
		f = mtls.Files{
			CA: filepath.Join(dir, "ca.crt"), Cert: filepath.Join(dir, "client.crt"), Key: filepath.Join(dir, "client.key"), CRL: filepath.Join(dir, "ca.crl"), CRLMayCome: true,
		}
		if _, err := os.Stat(f.CA); err != nil {
			continue
		}
		return f, true
	}
	return f, false
}

// credentials are what proves who copies, and who the daemon is; nil for a copy without
// TLS.
func (a *app) credentials() (*mtls.Store, error) {
	p := a.opts.identifying
	switch {
	case p.insecure:
		return nil, nil
	case p.token != "":
		return a.byToken(p.token)
	}
	f, ok := p.find(a.dirs())
	if !ok {
		return nil, nil
	}
	for _, part := range []struct{ flag, file string }{{"tls-ca", f.CA}, {"tls-cert", f.Cert}, {"tls-key", f.Key}} {
		if part.file == "" {
			return nil, usage("reading the flags for TLS", fmt.Errorf("there is no --%s", part.flag), "give --tls-ca, --tls-cert and --tls-key, all three")
		}
	}
	s, err := mtls.Open(f, newLogger(a.messages, a.opts.verbose))
	if err != nil {
		fix := "see that the files are whole, fit together and are readable (rdmad pki issue makes them), or give --insecure in a network that you trust"
		return nil, fault.New(fault.Usage, "reading the certificates", err, fix)
	}
	return s, nil
}

// byToken are the credentials of a token's holder.
func (a *app) byToken(file string) (*mtls.Store, error) {
	what, fix := "reading the token "+file, "give --token the file that rdmad token create has written"
	if err := mtls.Private(file); err != nil {
		return nil, fault.New(fault.Usage, what, err, "see that it is readable by you, and by nobody else")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fault.New(fault.Usage, what, err, fix)
	}
	own, daemon, err := token.Parse(text)
	if err != nil {
		return nil, fault.New(fault.Usage, what, err, fix)
	}
	return mtls.Pinned(own, newLogger(a.messages, a.opts.verbose), daemon...), nil
}
