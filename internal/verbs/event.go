package verbs

// EventType is enum ibv_event_type.
type EventType int

// The asynchronous events.
const (
	EventCQErr EventType = iota
	EventQPFatal
	EventQPReqErr
	EventQPAccessErr
	EventCommEst
	EventSQDrained
	EventPathMig
	EventPathMigErr
	EventDeviceFatal
	EventPortActive
	EventPortErr
	EventLIDChange
	EventPKeyChange
	EventSMChange
	EventSRQErr
	EventSRQLimitReached
	EventQPLastWQEReached
	EventClientReregister
	EventGIDChange
	EventWQFatal
)

var eventTypes = []string{
	"CQ_ERR", "QP_FATAL", "QP_REQ_ERR", "QP_ACCESS_ERR", "COMM_EST", "SQ_DRAINED", "PATH_MIG", "PATH_MIG_ERR",
	"DEVICE_FATAL", "PORT_ACTIVE", "PORT_ERR", "LID_CHANGE", "PKEY_CHANGE", "SM_CHANGE", "SRQ_ERR",
	"SRQ_LIMIT_REACHED", "QP_LAST_WQE_REACHED", "CLIENT_REREGISTER", "GID_CHANGE", "WQ_FATAL",
}

// String returns the event's name in the C header, without its prefix.
func (t EventType) String() string { return name(eventTypes, "EventType", int(t)) }

// AsyncEvent is something that happened to a device, a port or one of its objects.
type AsyncEvent struct {
	Type EventType
	// Port is set for the events of a port, and 0 otherwise.
	Port int
	// QPN and QP are set for the events of a queue pair. QP is nil if it was closed meanwhile.
	QPN uint32
	QP  *QP
	// CQ is set for the events of a completion queue, unless it was closed meanwhile.
	CQ *CQ
}
