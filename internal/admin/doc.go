// Package admin is what the daemon tells those who run it, by HTTP: on a unix socket its
// sessions, which can be cancelled there, its metrics and its profiles; on a TCP port, for
// Prometheus and for people, the metrics and a page, with nothing in them that is a user's.
package admin
