package rdma

import "time"

// Queue-pair attributes. The counts and codes are those of the InfiniBand
// Architecture Specification, volume 1, section 9.9.2 and table 45.
const (
	// ackTimeout 17 is 4.096 us * 2^17 = 0.54 s. With retryCount retries a dead
	// wire is noticed after 3.8 s; adapters may take up to four times that, and
	// stallLimit bounds it.
	ackTimeout = 17

	// retryCount is 6 since 7, the largest, means for ever on Soft-RoCE.
	retryCount = 6

	// rnrRetry is finite for the same reason. Receives are posted ahead of every
	// loan, so a receiver that is not ready is a fault, not a delay.
	rnrRetry = 6

	// minRNRTimer 12 is 0.64 ms.
	minRNRTimer = 12

	// maxReads caps the READs in flight per queue pair; more gain nothing on
	// any adapter known to us.
	maxReads = 16

	// readPiece is the longest READ, in bytes. Soft-RoCE answers a READ in one
	// burst that no window holds back, and long bursts overrun receive queues.
	readPiece = 256 << 10

	// windowSize is how much of a file's page cache is mapped at once, in bytes:
	// enough for the calls that this takes to be fewer than one for a MiB.
	windowSize = 8 << 20

	// leastPaged is the shortest extent, in bytes, for which mapping pays.
	leastPaged = 64 << 10

	// defaultQPs is how many queue pairs a lender makes when it is not told.
	defaultQPs = 4

	// stallLimit is how long work may be in flight with no completion at all
	// before the connection counts as lost.
	stallLimit = 8 * time.Second

	// drainLimit bounds the wait for flushed work on Close. The queue pairs are
	// destroyed next in any case, and with them every access to the slots.
	drainLimit = time.Second

	// destroyLimit bounds the wait for the kernel, which destroys a queue pair
	// only when the network device has let go of its last packet.
	destroyLimit = time.Second

	// pollBatch is how many completions one call into C fetches.
	pollBatch = 32
)
