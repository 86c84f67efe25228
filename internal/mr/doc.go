// Package mr holds the memory that a NIC may reach: mapped outside the Go heap,
// pinned, and registered with a device.
//
// A [Pool] is one mapping, registered once and cut into slots of one size, which
// are handed out as leases. It never shows Go heap to the device, so the garbage
// collector and the memory region cannot disagree about who owns a page. Regions
// over the page cache, for sources that need no copy at all, are to stand beside
// the pool and share its [Budget].
//
// Pinning is limited by RLIMIT_MEMLOCK. A [Budget] asks before the kernel is asked,
// so that what is told is the limit and how to raise it, not just "cannot allocate
// memory".
package mr
