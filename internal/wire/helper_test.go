package wire_test

import (
	"bytes"
	"errors"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/wire"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// A change makes a valid message another one, which is valid still or is not.
type change[M proto.Message] struct {
	name string
	do   func(m M)
	ok   bool
}

// try holds a parser to what it has to accept and to refuse.
func try[M proto.Message](t *testing.T, valid func() M, parse func(M) error, changes []change[M]) {
	t.Helper()
	if err := parse(valid()); err != nil {
		t.Fatalf("the message that all others are made of is refused: %v", err)
	}
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			m := valid()
			c.do(m)
			err := parse(m)
			if (err == nil) != c.ok {
				t.Fatalf("ok = %v, want %v: %v", err == nil, c.ok, err)
			}
			if err != nil && fault.CodeOf(err) != fault.Protocol {
				t.Errorf("code %v, want protocol: %v", fault.CodeOf(err), err)
			}
		})
	}
}

func validEndpoint() *pb.Endpoint {
	return &pb.Endpoint{
		Device: "mlx5_0/1", Gid: bytes.Repeat([]byte{0xfe}, 16), Lid: 7, LinkLayer: pb.LinkLayer_LINK_LAYER_ETHERNET,
		Mtu: 4096, MaxMessage: 1 << 30, MaxRead: 16,
		QueuePairs: []*pb.QueuePair{{Number: 17, Psn: 1}, {Number: 18, Psn: 1<<24 - 1}},
	}
}

func validHello() *pb.Hello {
	return &pb.Hello{
		Protocol: wire.Protocol, Version: "v1", Endpoint: validEndpoint(), Direction: pb.Direction_DIRECTION_PUT,
		ChunkSize: 1 << 20, Slots: 16,
	}
}

func validWelcome() *pb.Welcome {
	return &pb.Welcome{Protocol: wire.Protocol, Version: "v1", Endpoint: validEndpoint(), ChunkSize: 1 << 20, Session: "ABC"}
}

func validPut() *pb.Copy {
	return &pb.Copy{
		Targets: []*pb.Target{{Path: []byte("a/b"), Export: "data"}}, Naming: pb.Naming_NAMING_AUTO, Land: &pb.LandOptions{},
	}
}

func validGet() *pb.Copy {
	return &pb.Copy{Targets: []*pb.Target{{Path: []byte("a/b/"), Export: "data"}}, Walk: &pb.WalkOptions{}}
}

// validBatch has one of everything.
func validBatch() *pb.Batch {
	f := wire.FromFault(fullFault(fault.IO))
	return &pb.Batch{
		Entries: []*pb.Entry{{
			Id: 7, Parent: 2, Name: []byte("x"), Kind: pb.Kind_KIND_FILE, Mode: 0o640, Size: 1 << 20,
			MtimeSeconds: proto.Int64(1), MtimeNanos: 2, Allocated: 4096,
		}},
		Last:     true,
		Problems: []*pb.Problem{{Path: []byte("a"), Fault: f}},
		Removed:  [][]byte{[]byte("b")},
		Verdicts: []*pb.Verdict{{Id: 1, Answer: pb.Answer_ANSWER_WANT, Ranges: []*pb.Range{{Offset: 1, Length: 2}}, Compare: true, Resumed: 1}},
		Seals:    []*pb.Seal{{Id: 1, Size: 5, Whole: make([]byte, 32)}},
		Offers: []*pb.Offer{{
			Id: 3, Segments: []*pb.Segment{{Id: 1, Offset: 5, Length: 4096}},
			Digest: make([]byte, 16), Ticket: &pb.Ticket{Address: 1 << 40, Rkey: 9, Length: 4096, Immediate: 5<<16 | 6},
		}},
		Settled:  []*pb.Settlement{{Id: 3, Digest: make([]byte, 16), Again: true, Kept: []uint32{0}}},
		Outcomes: []*pb.Outcome{{Id: 1, Fault: f}},
		Done:     true,
	}
}

// fullFault is a fault with everything in it.
func fullFault(c fault.Code) *fault.Error {
	return fault.New(c, "opening /data/x", errors.New("no such thing"), "look again")
}
