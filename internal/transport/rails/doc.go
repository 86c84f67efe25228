// Package rails makes one connection of several, each over a rail of its own.
//
// A lender lends on whichever rail has a slot free, so that the work spreads by what
// each rail delivers. When a rail fails, the driver says so of the loan that it could
// not reach (transport.ErrRail); the lender closes that rail at its end, so that
// nothing late can land in what it lends next, and lends the same extent on another
// one. The connection is lost with its last rail. Until then another rail may be put in
// the place of one that is gone (Replacer): the driver first, which does nothing with it
// until something is lent there.
//
// It knows nothing of how a rail works: rails are connections of any fabric.
package rails
