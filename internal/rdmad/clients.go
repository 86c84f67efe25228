package rdmad

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/rdmacp/rdmacp/internal/server"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// rawClient is a table [client.NAME] of the file: what holds for some of the clients.
type rawClient struct {
	Match    []string `koanf:"match"`
	Rate     string   `koanf:"rate"`
	MaxBytes string   `koanf:"max_bytes"`
	Owner    string   `koanf:"owner"`
}

// limits returns the limits in the order of their tables' names.
func (r *raw) limits() ([]server.Limit, error) {
	var list []server.Limit
	for _, name := range slices.Sorted(maps.Keys(r.Client)) {
		c, key := r.Client[name], keyClient+"."+name
		l := server.Limit{Match: c.Match}
		if len(c.Match) == 0 {
			return nil, badValue(key, "", "it does not say for whom it is", `give names in certificates, as match = ["gpu*"], or "*"`)
		}
		if err := l.Check(); err != nil {
			return nil, badValue(key, c.Match, err.Error(), "a pattern is a name, in which * and ? stand for anything but a slash")
		}
		var err error
		if l.Rate, err = bytesOf(key+".rate", c.Rate); err != nil {
			return nil, err
		}
		if l.Bytes, err = bytesOf(key+".max_bytes", c.MaxBytes); err != nil {
			return nil, err
		}
		if l.Owner, err = ownerOf(key+".owner", c.Owner); err != nil {
			return nil, err
		}
		list = append(list, l)
	}
	return list, nil
}

// bytesOf reads a number of bytes, such as 500MB; 0 where nothing is said.
func bytesOf(key, text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	n, err := humanize.ParseBytes(text)
	if err != nil || n == 0 || n > math.MaxInt64 {
		return 0, badValue(key, text, "not a number of bytes", "give one above 0, as in 500MB or 1.5GiB")
	}
	return int64(n), nil
}

// ownerOf reads USER, whose own group goes with it, or USER:GROUP; nil where nothing is said.
func ownerOf(key, text string) (*tree.Owner, error) {
	if text == "" {
		return nil, nil
	}
	name, group, both := strings.Cut(text, ":")
	u, err := user.Lookup(name)
	if _, number := strconv.ParseUint(name, 10, 32); err != nil && number == nil {
		u, err = &user.User{Uid: name}, nil
	}
	switch {
	case err != nil:
		return nil, badValue(key, text, "there is no user "+name, "give USER or USER:GROUP, by names or numbers")
	case !both && u.Gid == "":
		return nil, badValue(key, text, "a number says nothing of a group", "give USER:GROUP")
	}
	gid := u.Gid
	if both {
		gid = group
		if g, err := user.LookupGroup(group); err == nil {
			gid = g.Gid
		}
	}
	o := &tree.Owner{}
	if o.UID, err = number(u.Uid); err == nil {
		o.GID, err = number(gid)
	}
	if err != nil {
		return nil, badValue(key, text, "there is no group "+group, "give USER or USER:GROUP, by names or numbers")
	}
	return o, mayGive(key, text, o)
}

func number(text string) (uint32, error) {
	n, err := strconv.ParseUint(text, 10, 32)
	if err == nil && n == math.MaxUint32 {
		err = errors.New("it means nobody") // to chown(2)
	}
	return uint32(n), err
}

// mayGive refuses an owner to whom this daemon could not give files.
func mayGive(key, text string, o *tree.Owner) error {
	if os.Geteuid() == 0 || int64(o.UID) == int64(os.Geteuid()) && int64(o.GID) == int64(os.Getegid()) {
		return nil
	}
	return badValue(key, text, fmt.Sprintf("user %d, whom rdmad runs as, cannot give files to others", os.Geteuid()), "run rdmad as root, or leave owner out")
}
