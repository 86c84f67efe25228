// Package pki is a certificate authority in a directory, for clusters that have none. It
// is as small as can be: one CA, whose key lies beside the certificates that it issues,
// and a list of those that were revoked. Any other PKI does as well.
//
// The files, in PEM: ca.crt, ca.key and ca.crl of the CA, NAME.crt and NAME.key of each
// certificate. Keys are mode 0600.
package pki
