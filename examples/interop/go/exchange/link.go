package exchange

import (
	"slices"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pb "example.com/interop/gen/facade/v1"
)

const (
	protocolVersion = 1
	// The largest envelope, where setup does not say otherwise.
	maxMessageBytes = 4 << 20
	// What gRPC has to let through: the largest envelope, and the frame around it. grpc-go's own
	// limit is a little too small for that.
	maxFrameBytes = maxMessageBytes + 1024

	// How many envelopes, and bytes of them, share one frame.
	frameEnvelopes = 256
	frameBytes     = 64 << 10
)

// link is what both ends of a stream do alike: send what waits, answer pings, leave in peace.
// Its mutex guards what the two ends add to it as well.
type link struct {
	mu      sync.Mutex
	wake    sync.Cond      // the writer waits for it
	waiting []*pb.Envelope // to be sent, in this order
	open    int            // calls that have not ended

	begun         bool // our setup has gone, or goes
	ready         bool // the peer's setup has come
	limit         int  // the largest envelope that the peer takes
	drainSent     bool
	drainReceived bool
	ended         bool
	err           error // why, where it did not end in peace
}

func (l *link) init() {
	l.wake.L = &l.mu
	l.limit = maxMessageBytes
}

// hello comes before all else.
func (l *link) hello(application string) {
	setup := &pb.Setup{Version: protocolVersion, Application: application}
	l.put(&pb.Envelope{Kind: &pb.Envelope_Setup{Setup: setup}})
}

// put queues an envelope. All methods that change the link are for who holds the mutex.
func (l *link) put(envelope *pb.Envelope) {
	if !l.ended {
		l.waiting = append(l.waiting, envelope)
		l.wake.Signal()
	}
}

// putFirst queues an envelope ahead of calls; but nothing goes ahead of setup.
func (l *link) putFirst(envelope *pb.Envelope) {
	if l.begun {
		l.waiting = slices.Insert(l.waiting, 0, envelope)
		l.wake.Signal()
	} else {
		l.put(envelope)
	}
}

// drain says that no further calls come from this end.
func (l *link) drain(reason string) {
	if !l.drainSent {
		l.drainSent = true
		l.put(&pb.Envelope{Kind: &pb.Envelope_Drain{Drain: &pb.Drain{Reason: reason}}})
	}
}

// closed notes that a call has ended, with which the stream may end too.
func (l *link) closed() {
	l.open--
	l.wake.Signal()
}

func (l *link) end(err error) {
	if !l.ended {
		l.ended, l.err = true, err
		l.wake.Signal()
	}
}

// write sends what waits until the stream has ended, or may: both ends have drained, no call is
// open, and nothing waits.
func (l *link) write(send func(*pb.Frame) error) {
	for frame := l.next(); frame != nil; frame = l.next() {
		if send(frame) != nil {
			return // the reader is told why
		}
	}
}

// next takes all that waits at the moment, and waits where there is nothing.
func (l *link) next() *pb.Frame {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.waiting) == 0 && !l.ended {
		if l.drainSent && l.drainReceived && l.open == 0 {
			return nil
		}
		l.wake.Wait()
	}
	if l.ended {
		return nil
	}
	l.begun = true
	count, size := 0, 0
	for count < min(len(l.waiting), frameEnvelopes) {
		size += proto.Size(l.waiting[count])
		if count > 0 && size > frameBytes {
			break
		}
		count++
	}
	frame := &pb.Frame{Envelopes: slices.Clone(l.waiting[:count])}
	l.waiting = slices.Delete(l.waiting, 0, count)
	return frame
}

// receive takes an envelope, of the kinds that mean the same at both ends, or says that it did
// not. Its error ends the stream.
func (l *link) receive(envelope *pb.Envelope) (taken bool, err error) {
	if setup := envelope.GetSetup(); setup != nil {
		return true, l.setUp(setup)
	}
	if !l.ready {
		return true, status.Error(codes.InvalidArgument, "the first envelope must be setup")
	}
	switch kind := envelope.GetKind().(type) {
	case *pb.Envelope_Ping:
		pong := &pb.Pong{Nonce: kind.Ping.GetNonce()}
		l.putFirst(&pb.Envelope{Kind: &pb.Envelope_Pong{Pong: pong}})
	case *pb.Envelope_Pong:
	case *pb.Envelope_Drain:
		l.drainReceived = true
		l.drain("the peer drains")
		l.wake.Signal()
	default:
		return false, nil
	}
	return true, nil
}

func (l *link) setUp(setup *pb.Setup) error {
	if l.ready {
		return status.Error(codes.InvalidArgument, "setup comes once")
	}
	if setup.GetVersion() != protocolVersion {
		return status.Errorf(codes.FailedPrecondition,
			"this end speaks version %d of the protocol, not %d", protocolVersion, setup.GetVersion())
	}
	l.ready = true
	if bytes := setup.GetMaxMessageBytes(); bytes > 0 {
		l.limit = int(min(bytes, maxMessageBytes))
	}
	return nil
}

// cannot answers what this end does not know, or does not do.
func (l *link) cannot(envelope *pb.Envelope) error {
	const text = "this end does not take such an envelope"
	if envelope.GetOptional() {
		return nil
	}
	if envelope.GetId() == 0 {
		return status.Error(codes.Unimplemented, text)
	}
	l.put(reply(envelope.GetId(), Refuse(codes.Unimplemented, text)))
	return nil
}

func reply(id uint64, result *pb.Result) *pb.Envelope {
	return &pb.Envelope{Id: id, Kind: &pb.Envelope_Result{Result: result}}
}
