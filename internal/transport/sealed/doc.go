// Package sealed encrypts what a fabric moves: AES-256 in Galois/Counter Mode (NIST SP
// 800-38D), each chunk by itself.
//
// A sealed chunk is what it holds, a tag of 16 bytes and a nonce of 12, which is random. The
// extent is bound to it as additional data, so that none is taken for another. Digests are
// those of the bytes in clear, as engine and journal want them.
//
// All of it goes through slots of registered memory: a page cache has nothing sealed in it. The
// lender's slots, which packets can reach, have nothing in the clear in them, and what was
// proven is not taken from there. The driver's, which none can reach, are encrypted in place.
package sealed
