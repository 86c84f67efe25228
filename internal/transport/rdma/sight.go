package rdma

import (
	"sync"
	"time"

	"github.com/rdmacp/rdmacp/internal/device"
)

// sightLimit is how long a look at this host's rails is good for. To look opens every
// device, and a session looks several times in a row.
const sightLimit = 500 * time.Millisecond

// sight is the last look at this host's rails.
type sight struct {
	mu   sync.Mutex
	at   time.Time
	seen []device.Rail
}

// rails looks at the rails, unless somebody just did. What went wrong is not kept.
func (s *sight) rails() ([]device.Rail, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.at.IsZero() && time.Since(s.at) < sightLimit {
		return s.seen, nil
	}
	rails, err := device.Rails()
	if err != nil {
		return nil, err
	}
	s.at, s.seen = time.Now(), rails
	return rails, nil
}
