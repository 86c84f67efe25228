package doctor

// Probed is probed, for tests.
func (h Host) Probed() func(host string) []Finding { return h.probed() }
