// Package mtls proves to each end of a connection who the other one is: TLS 1.3, with a
// certificate at both ends, of a CA that the other one trusts. It reads certificates,
// keys, CAs and lists of revoked certificates from files, and again once they have
// changed, so that nothing has to be restarted when they are renewed.
//
// Who a peer is is told by the names in its certificate: see Names.
package mtls
