package oneshot

import (
	"bufio"
	"bytes"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// format is the version of what the two say.
const format = 1

// mark begins rdmad's line. What a login shell's start-up files print ahead of it is not
// meant for us.
const mark = "rdmad one-shot "

// maxPreface bounds all that is read ahead of the end of the line that is waited for,
// bytes.
const maxPreface = 64 << 10

// hello is what rdmacp says first.
type hello struct {
	Format      int    `json:"format"`
	Version     string `json:"version"`     // of rdmacp
	Host        string `json:"host"`        // of rdmad, as rdmacp's user calls it
	Certificate []byte `json:"certificate"` // DER
}

// answer is what rdmad says once it listens.
type answer struct {
	Format      int    `json:"format"`
	Version     string `json:"version"`     // of rdmad
	Address     string `json:"address"`     // where it is reached; empty: as the host is called
	Port        uint16 `json:"port"`        // TCP
	Home        string `json:"home"`        // directory that relative names start at
	Certificate []byte `json:"certificate"` // DER
}

// write writes one line.
func write(w io.Writer, prefix string, m any) error {
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	_, err = w.Write(append(append([]byte(prefix), b...), '\n'))
	return err
}

// errFlood is that of an end that says too much ahead of its line.
var errFlood = fmt.Errorf("more than %d KiB came ahead of what was waited for", maxPreface>>10)

// errOther is that of a line in another format.
var errOther = errors.New("it is of another release, and says it in another way")

// read reads lines until one begins with prefix, and what that line holds into m.
// Neither end says more before it was answered.
func read(r io.Reader, prefix string, m any) error {
	limited := &io.LimitedReader{R: r, N: maxPreface}
	in := bufio.NewReader(limited)
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) && limited.N == 0 {
			return errFlood
		}
		if err != nil {
			return err
		}
		text, ok := bytes.CutPrefix(line, []byte(prefix))
		if !ok {
			continue
		}
		var f struct {
			Format int `json:"format"`
		}
		if err := json.Unmarshal(text, &f); err != nil {
			return fmt.Errorf("reading %.64q: %w", text, err)
		}
		if f.Format != format {
			return errOther
		}
		return json.Unmarshal(text, m)
	}
}

// certificate reads a certificate that is no CA's: it stands for one key, and cannot
// vouch for another.
func certificate(der []byte) (*x509.Certificate, error) {
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("reading the other end's certificate: %w", err)
	}
	if c.IsCA || !c.BasicConstraintsValid {
		return nil, errors.New("the other end's certificate is a CA's")
	}
	return c, nil
}
