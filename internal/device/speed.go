package device

// laneGbps is the rate of one lane in Gb/s, by the port attribute active_speed (IBTA's
// PortInfo.LinkSpeedActive and its extensions). The rates are the ones that the link is
// sold by.
var laneGbps = map[uint8]float64{
	1: 2.5, 2: 5, 4: 10, 8: 10, 16: 14, 32: 25, 64: 50, 128: 100,
}

// lanes is the number of lanes, by the port attribute active_width.
var lanes = map[uint8]float64{1: 1, 2: 4, 4: 8, 8: 12, 16: 2}

// speed is the rate of a link in Gb/s, or 0 for a code that is not known.
func speed(active, width uint8) float64 { return laneGbps[active] * lanes[width] }
