package doctor

// Probed notes what the ports have counted, and returns what says what they have since.
func (h Host) Probed() func(host string) []Finding { return h.tally().findings }
