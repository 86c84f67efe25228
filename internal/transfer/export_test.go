package transfer

import "time"

// Every test of the engine waits where the simulation has to.
var _ = func() struct{} {
	pause = time.Sleep
	return struct{}{}
}()
