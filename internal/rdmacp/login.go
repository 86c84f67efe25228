package rdmacp

import (
	"errors"
	"strings"
)

// parseLogin reads [user@]host:path and [user@]host:~/path, as scp does: what is relative
// starts at the user's home directory.
func parseLogin(host, rest string) (*remote, error) {
	r := &remote{}
	if at := strings.LastIndexByte(host, '@'); at >= 0 {
		r.User, host = host[:at], host[at+1:]
		if r.User == "" || strings.HasPrefix(r.User, "-") || strings.ContainsAny(r.User, " \t\r\n") {
			return nil, errors.New("that is no user ahead of the @")
		}
	}
	var err error
	if r.Host, err = parseHost(host); err != nil {
		return nil, err
	}
	if strings.HasPrefix(rest, ":") {
		return nil, errors.New("with --via-ssh there are no exports: a name is a path of that host")
	}
	switch {
	case rest == "~":
		rest = ""
	case strings.HasPrefix(rest, "~/"):
		rest = strings.TrimLeft(rest[2:], "/")
	case strings.HasPrefix(rest, "~"):
		return nil, errors.New("the home directories of others are not known to it")
	}
	r.setPath(rest)
	r.TrailingSlash = r.TrailingSlash || rest == ""
	return r, nil
}

// destination is what the remote shell is given.
func (r *remote) destination() string {
	if r.User != "" {
		return r.User + "@" + r.Host
	}
	return r.Host
}
