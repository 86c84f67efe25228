package rdmacp

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// scheme starts the form of a remote name that can carry a port.
const scheme = "rdma://"

// unixSocket starts what stands in brackets in the place of a host for a daemon of this host
// that listens on a unix socket.
const unixSocket = "unix:"

// foreign are the schemes of other tools. A host of such a name is reached by
// another form of name, or by one slash only.
var foreign = map[string]bool{
	"rsync": true, "ssh": true, "scp": true, "sftp": true, "ftp": true, "http": true, "https": true, "file": true, "s3": true, "rdmacp": true,
}

// location is one of the two names on the command line.
type location struct {
	arg    string  // as it was typed
	remote *remote // nil: a local file
}

// remote is a name on another host.
type remote struct {
	User          string // whom to log in as; empty: as ssh has it, or nobody
	Host          string // a name, or an address without brackets
	Port          int    // 0: the one of --port
	Export        string // empty: Path is one of the host's
	Path          string // without slashes at its end; below an export, without one at its start either; relative only to a home
	TrailingSlash bool   // the path was written as a directory's
}

// base is the last element of the path; empty where it can only be a directory.
func (r *remote) base() string {
	if b := path.Base(r.Path); !r.TrailingSlash && b != "." && b != "/" {
		return b
	}
	return ""
}

// parseLocation reads a name by scp's rule: it is remote if a ':' comes before
// any '/', and ./a:b is a local file. Where there is a login on the other host, there
// is a home directory, too, and there are no exports.
func parseLocation(arg string, login bool) (location, error) {
	if name, ok := onDrive(arg); ok {
		return location{arg: name}, nil
	}
	loc := location{arg: arg}
	host, rest, isRemote := splitHost(arg)
	var err error
	switch {
	case arg == "":
		err = errors.New("it is empty")
	case strings.ContainsRune(arg, 0):
		err = errors.New("it has a zero byte in it")
	case isRemote && strings.HasPrefix(rest, "//") && foreign[host]:
		err = fmt.Errorf("rdmacp does not know names that begin with %s://", host)
	case strings.HasPrefix(arg, scheme):
		loc.remote, err = parseURI(strings.TrimPrefix(arg, scheme))
	case isRemote && login:
		loc.remote, err = parseLogin(host, rest)
	case isRemote:
		loc.remote, err = parseRemote(host, rest)
	}
	if err == nil {
		return loc, nil
	}
	if _, ok := fault.As(err); ok {
		return location{}, err
	}
	fix := "a remote file is host:/path, host::export/path, [v6]:/path or rdma://host:port/path"
	switch at := strings.LastIndexByte(host, '@'); {
	case login:
		fix = "with --via-ssh a remote file is [user@]host:path"
	case isRemote && at >= 0:
		fix = "leave the user out: " + arg[at+1:]
	}
	return location{}, badName(arg, err, fix)
}

// badName is the fault of a name that cannot be read.
func badName(arg string, why error, fix string) *fault.Error {
	return fault.New(fault.Usage, fmt.Sprintf("reading the name %q", arg), why, fix)
}

// splitHost cuts a name at the colon behind the host, if it has one there.
func splitHost(arg string) (host, rest string, ok bool) {
	if strings.HasPrefix(arg, "[") {
		host, rest, ok = strings.Cut(arg, "]:")
		return host + "]", rest, ok && (!strings.Contains(host, "/") || strings.HasPrefix(host, "["+unixSocket))
	}
	host, rest, ok = strings.Cut(arg, ":")
	return host, rest, ok && host != "" && !strings.Contains(host, "/")
}

// parseRemote reads host:/path and host::export/path.
func parseRemote(host, rest string) (*remote, error) {
	r := &remote{}
	var err error
	if r.Host, err = parseHost(host); err != nil {
		return nil, err
	}
	if below, ok := strings.CutPrefix(rest, ":"); ok {
		return r, r.setExport(host, below)
	}
	if !strings.HasPrefix(rest, "/") {
		return nil, relative(host, rest)
	}
	r.setPath(rest)
	return r, nil
}

// relative is the fault of host:relative, which scp and rsync take.
func relative(host, rest string) error {
	// scp's home directory, and a port in scp's or rsync's way, are no part of a path.
	below := strings.TrimPrefix(strings.TrimPrefix(rest, "~"), "/")
	port := ""
	if head, tail, _ := strings.Cut(strings.Replace(rest, ":", "/", 1), "/"); head != "" {
		if _, err := strconv.ParseUint(head, 10, 16); err == nil {
			port, below = head, strings.TrimPrefix(tail, "/")
		}
	}
	fix := fmt.Sprintf("give an absolute path, %s:/%s, or one below an export, %s::EXPORT/%s", host, below, host, below)
	if below == "" {
		fix = fmt.Sprintf("say where: %s:/DIRECTORY/, or an export, %s::EXPORT", host, host)
	}
	if port != "" {
		fix = fmt.Sprintf("a port is written %s%s:%s/%s, or --port=%s", scheme, host, port, below, port)
	}
	fix += fmt.Sprintf("; a local file of this name is ./%s:%s", host, rest)
	return badName(host+":"+rest, errors.New("the path is relative, and rdmad has no home directory for it to start from (--via-ssh has)"), fix)
}

// parseHost checks a host and takes the brackets off an address.
func parseHost(host string) (string, error) {
	if inner, ok := strings.CutPrefix(host, "["); ok {
		inner = strings.TrimSuffix(inner, "]")
		if path, ok := strings.CutPrefix(inner, unixSocket); ok {
			if !strings.HasPrefix(path, "/") || strings.ContainsRune(path, ']') {
				return "", fmt.Errorf("%q is not the absolute path of a socket", path)
			}
			return inner, nil
		}
		if a, err := netip.ParseAddr(inner); err != nil || !a.Is6() {
			return "", fmt.Errorf("%q is not an IPv6 address", inner)
		}
		return inner, nil
	}
	switch {
	case host == "":
		return "", errors.New("the host is missing")
	case strings.HasPrefix(host, "-"):
		return "", fmt.Errorf("a host's name does not start with '-': %q", host)
	case strings.Contains(host, "@"):
		return "", errors.New("there is no user in a name: rdmad has no users and no login; --via-ssh logs in by ssh")
	case strings.ContainsAny(host, "[]%?# \t\r\n\\"):
		return "", fmt.Errorf("%q is not the name of a host", host)
	}
	return host, nil
}

// setExport reads what stands behind host:: .
func (r *remote) setExport(host, below string) error {
	export, rest, _ := strings.Cut(below, "/")
	switch {
	case export == "":
		return fmt.Errorf("the export is missing behind %q", host+"::")
	case !utf8.ValidString(export):
		return fmt.Errorf("%q is not the name of an export: it is no UTF-8", export)
	case strings.Contains(export, ":"):
		return fmt.Errorf("%q is not the name of an export; an IPv6 address goes in brackets", export)
	}
	r.Export = export
	r.setPath(strings.TrimLeft(rest, "/"))
	r.TrailingSlash = r.TrailingSlash || strings.HasSuffix(below, "/")
	return nil
}

// setPath keeps a path as it is but for slashes at its end. A path that ends in
// "/", "/." or "/.." can only be a directory's.
func (r *remote) setPath(p string) {
	r.TrailingSlash = strings.HasSuffix(p, "/")
	if last := path.Base(p); p != "" && (last == "." || last == "..") {
		r.TrailingSlash = true
	}
	r.Path = strings.TrimRight(p, "/")
	if r.Path == "" && p != "" {
		r.Path = "/"
	}
}

// parseURI reads what stands behind rdma://, the form with a port. As in any
// URI, %-escapes stand for bytes.
func parseURI(s string) (*remote, error) {
	slash := strings.IndexByte(s, '/')
	if slash < 0 {
		return nil, errors.New("the path is missing")
	}
	p, err := url.PathUnescape(s[slash:])
	if err != nil {
		return nil, err
	}
	if strings.ContainsRune(p, 0) {
		return nil, errors.New("it has a zero byte in it")
	}
	r := &remote{}
	if err := r.setAuthority(s[:slash]); err != nil {
		return nil, err
	}
	r.setPath(p)
	return r, nil
}

// setAuthority reads host, host:port, [v6] and [v6]:port.
func (r *remote) setAuthority(s string) error {
	host, port, hasPort := strings.Cut(s, ":")
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return errors.New("a ']' is missing")
		}
		host = strings.Replace(s[:end+1], "%25", "%", 1) // before a zone, RFC 6874
		port, hasPort = strings.CutPrefix(s[end+1:], ":")
		if !hasPort && port != "" {
			return fmt.Errorf("%q behind the address is not a port", port)
		}
	}
	var err error
	if r.Host, err = parseHost(host); err != nil || !hasPort {
		return err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return fmt.Errorf("%q is not a port: 1 to 65535", port)
	}
	r.Port = int(n)
	return nil
}
