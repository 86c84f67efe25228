package verbs

import "strconv"

// name looks v up in names; a value that the table lacks prints as kind(v).
func name(names []string, kind string, v int) string {
	if v >= 0 && v < len(names) && names[v] != "" {
		return names[v]
	}

	return kind + "(" + strconv.Itoa(v) + ")"
}

// MTU is a path MTU in the code of enum ibv_mtu.
type MTU int

// The path MTUs.
const (
	MTU256 MTU = iota + 1
	MTU512
	MTU1024
	MTU2048
	MTU4096
)

// Bytes returns the payload of one packet, or 0 for a value that is no MTU.
func (m MTU) Bytes() int {
	if m < MTU256 || m > MTU4096 {
		return 0
	}

	return 128 << m
}

// String prints the size in bytes.
func (m MTU) String() string {
	if n := m.Bytes(); n != 0 {
		return strconv.Itoa(n)
	}

	return name(nil, "MTU", int(m))
}

// MTUFromBytes returns the largest path MTU that fits in n bytes, and false if n is below 256.
func MTUFromBytes(n int) (MTU, bool) {
	for m := MTU4096; m >= MTU256; m-- {
		if n >= m.Bytes() {
			return m, true
		}
	}

	return 0, false
}

// PortState is enum ibv_port_state.
type PortState int

// The states of a port. Only an active one carries data.
const (
	PortNop PortState = iota
	PortDown
	PortInit
	PortArmed
	PortActive
	PortActiveDefer
)

var portStates = []string{"NOP", "DOWN", "INIT", "ARMED", "ACTIVE", "ACTIVE_DEFER"}

// String returns the state's name in the C header, without its prefix.
func (s PortState) String() string { return name(portStates, "PortState", int(s)) }

// LinkLayer is a port's IBV_LINK_LAYER.
type LinkLayer int

// The link layers.
const (
	LinkLayerUnspecified LinkLayer = iota
	LinkLayerInfiniBand
	LinkLayerEthernet
)

var linkLayers = []string{"Unspecified", "InfiniBand", "Ethernet"}

// String returns the usual name.
func (l LinkLayer) String() string { return name(linkLayers, "LinkLayer", int(l)) }

// NodeType is enum ibv_node_type.
type NodeType int

// The kinds of device.
const (
	NodeUnknown NodeType = iota - 1
	_
	NodeCA
	NodeSwitch
	NodeRouter
	NodeRNIC
	NodeUSNIC
	NodeUSNICUDP
	NodeUnspecified
)

var nodeTypes = []string{
	NodeCA: "CA", NodeSwitch: "switch", NodeRouter: "router", NodeRNIC: "RNIC", NodeUSNIC: "usNIC",
	NodeUSNICUDP: "usNIC UDP", NodeUnspecified: "unspecified",
}

// String returns the usual name.
func (t NodeType) String() string {
	if t == NodeUnknown {
		return "unknown"
	}

	return name(nodeTypes, "NodeType", int(t))
}

// TransportType is enum ibv_transport_type.
type TransportType int

// The transports. InfiniBand includes RoCE.
const (
	TransportUnknown TransportType = iota - 1
	TransportIB
	TransportIWARP
	TransportUSNIC
	TransportUSNICUDP
	TransportUnspecified
)

var transportTypes = []string{"InfiniBand", "iWARP", "usNIC", "usNIC UDP", "unspecified"}

// String returns the usual name.
func (t TransportType) String() string {
	if t == TransportUnknown {
		return "unknown"
	}

	return name(transportTypes, "TransportType", int(t))
}

// GIDType is enum ibv_gid_type.
type GIDType int

// The kinds of GID.
const (
	GIDTypeIB GIDType = iota
	GIDTypeRoCEv1
	GIDTypeRoCEv2
)

var gidTypes = []string{"IB", "RoCE v1", "RoCE v2"}

// String returns the name that sysfs gives it.
func (t GIDType) String() string { return name(gidTypes, "GIDType", int(t)) }

// QPState is enum ibv_qp_state.
type QPState int

// The states of a queue pair.
const (
	QPStateReset QPState = iota
	QPStateInit
	QPStateRTR
	QPStateRTS
	QPStateSQD
	QPStateSQE
	QPStateErr
	QPStateUnknown
)

var qpStates = []string{"RESET", "INIT", "RTR", "RTS", "SQD", "SQE", "ERR", "UNKNOWN"}

// String returns the state's name in the C header, without its prefix.
func (s QPState) String() string { return name(qpStates, "QPState", int(s)) }
