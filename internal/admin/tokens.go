package admin

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/token"
)

// maxRequest is how long a request's body may be.
const maxRequest = 64 << 10

// TokenRequest asks for a token.
type TokenRequest struct {
	Export  string  `json:"export"`
	Path    string  `json:"path"` // of a directory or file in it
	Write   bool    `json:"write"`
	Seconds float64 `json:"seconds"` // until it expires
	Copies  int     `json:"copies"`
}

// Token is one that was given.
type Token struct {
	ID      string    `json:"token"`
	Export  string    `json:"export"`
	Path    string    `json:"path"`
	Write   bool      `json:"write"`
	Expires time.Time `json:"expires"`
	Left    int       `json:"left"`           // copies
	File    string    `json:"file,omitempty"` // for the holder; only in the answer to a TokenRequest
}

// refusal is the fault that a request ends with.
type refusal struct {
	Code fault.Code `json:"code"`
	What string     `json:"what"`
	Why  string     `json:"why"`
	Fix  string     `json:"fix"`
}

// tokens serves what there is to ask about tokens.
func tokens(mux *http.ServeMux, d Daemon, log *slog.Logger) {
	mux.HandleFunc("GET /v1/tokens", func(w http.ResponseWriter, _ *http.Request) {
		list := []Token{}
		for _, g := range d.Tokens() {
			list = append(list, fromGrant(g))
		}
		answer(w, http.StatusOK, list)
	})
	mux.HandleFunc("POST /v1/tokens", func(w http.ResponseWriter, r *http.Request) {
		var q TokenRequest
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest)).Decode(&q); err != nil {
			refuse(w, fault.New(fault.Usage, "reading what token is asked for", err, ""))
			return
		}
		life := time.Duration(q.Seconds * float64(time.Second))
		text, g, err := d.Issue(token.Scope{Export: q.Export, Path: q.Path, Write: q.Write}, life, q.Copies)
		if err != nil {
			refuse(w, err)
			return
		}
		log.Warn("token given", slog.String("token", g.ID), slog.String("export", g.Export), slog.String("path", g.Path), slog.Bool("write", g.Write),
			slog.Time("expires", g.Expires), slog.Int("copies", g.Left))
		t := fromGrant(g)
		t.File = string(text)
		answer(w, http.StatusCreated, t)
	})
	mux.HandleFunc("DELETE /v1/tokens/{id}", func(w http.ResponseWriter, r *http.Request) {
		id := r.PathValue("id")
		if !d.Revoke(id) {
			http.Error(w, "there is no such token", http.StatusNotFound)
			return
		}
		log.Warn("token revoked", slog.String("token", id))
		w.WriteHeader(http.StatusNoContent)
	})
}

func fromGrant(g token.Grant) Token {
	return Token{ID: g.ID, Export: g.Export, Path: g.Path, Write: g.Write, Expires: g.Expires, Left: g.Left}
}

func answer(w http.ResponseWriter, code int, what any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(what) // who has asked may have left
}

func refuse(w http.ResponseWriter, err error) {
	f, ok := fault.As(err)
	if !ok {
		f = fault.New(fault.Internal, "answering", err, "")
	}
	answer(w, http.StatusUnprocessableEntity, refusal{f.Code, f.What, why(f), f.Fix})
}

func why(f *fault.Error) string {
	if f.Why == nil {
		return ""
	}
	return f.Why.Error()
}

// refused is the fault that the daemon has answered with.
func refused(a *http.Response) error {
	var r refusal
	if err := json.NewDecoder(a.Body).Decode(&r); err != nil || !r.Code.Known() {
		return errors.New(a.Status)
	}
	return fault.New(r.Code, r.What, errors.New(r.Why), r.Fix)
}
