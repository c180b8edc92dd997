package exchange

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pb "example.com/interop/gen/facade/v1"
)

// A stream on which nobody says hello is of no use.
const handshakeTimeout = 5 * time.Second

// ServerOptions are what a gRPC server needs for Server.
func ServerOptions() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.MaxRecvMsgSize(maxFrameBytes),
		// Consumers ask every 30 s whether the connection lives, also between calls. grpc-go hangs
		// up on who does that more than once in 5 minutes, unless told otherwise.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{
			MinTime: 5 * time.Second, PermitWithoutStream: true,
		}),
	}
}

// Answer gives what comes of a call. The context ends when the caller no longer waits.
type Answer func(ctx context.Context, call *pb.Invocation) *pb.Result

// Server is the methods Exchange and Invoke of the service Facade: each call, however it came,
// goes to Answer, in a goroutine of its own.
type Server struct {
	pb.UnimplementedFacadeServer
	Answer      Answer
	Application string

	mu       sync.Mutex
	streams  map[*answers]struct{}
	draining string // the reason; empty: it does not
}

// Invoke answers one call.
func (s *Server) Invoke(ctx context.Context, call *pb.Invocation) (*pb.Result, error) {
	if call.GetOneway() {
		go s.answer(context.WithoutCancel(ctx), call)
		return &pb.Result{}, nil
	}
	return s.answer(ctx, call), nil
}

// answer keeps to the time that the caller has left, and survives a method that panics.
func (s *Server) answer(ctx context.Context, call *pb.Invocation) (result *pb.Result) {
	if left := call.GetTimeLeftUs(); left > 0 {
		limit := time.Duration(min(left, math.MaxInt64/1000)) * time.Microsecond
		timed, done := context.WithTimeout(ctx, limit)
		defer done()
		ctx = timed
	}
	defer func() {
		if problem := recover(); problem != nil {
			text := fmt.Sprintf("%s.%s panicked", call.GetService(), call.GetMethod())
			result = failed(codes.Internal, pb.Execution_EXECUTION_MAYBE, text)
		}
	}()
	result = s.Answer(ctx, call)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &pb.Result{Expired: true} // what it gave came too late
	}
	return result
}

// Drain asks all consumers to leave once their calls have ended, those to come as well.
func (s *Server) Drain(reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = reason
	for stream := range s.streams {
		stream.leave(reason)
	}
}

// Exchange serves one stream to its end.
func (s *Server) Exchange(stream grpc.BidiStreamingServer[pb.Frame, pb.Frame]) error {
	a := &answers{server: s, context: stream.Context(), running: map[uint64]*running{}}
	a.init()
	handshake := time.AfterFunc(handshakeTimeout, a.noSetup)
	defer handshake.Stop()
	defer s.forget(a)
	s.remember(a)
	go a.read(stream.Recv)
	a.write(stream.Send)
	return a.reason()
}

func (s *Server) remember(a *answers) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.streams == nil {
		s.streams = map[*answers]struct{}{}
	}
	s.streams[a] = struct{}{}
	a.farewell = s.draining
}

func (s *Server) forget(a *answers) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.streams, a)
}

// answers is a stream, seen from the end that answers. It ends with its context, and with it
// what still runs.
type answers struct {
	link
	server  *Server
	context context.Context
	running map[uint64]*running
	lastID  uint64

	farewell string // why to leave, once the setup has come
}

type running struct {
	stop      context.CancelFunc
	cancelled bool // its caller wants no result
}

func (a *answers) read(receive func() (*pb.Frame, error)) {
	for {
		frame, err := receive()
		a.mu.Lock()
		for _, envelope := range frame.GetEnvelopes() {
			if err == nil {
				err = a.take(envelope)
			}
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			a.end(err)
		}
		over := a.ended
		a.mu.Unlock()
		if over {
			return
		}
	}
}

func (a *answers) take(envelope *pb.Envelope) error {
	wasReady := a.ready
	if taken, err := a.receive(envelope); taken || err != nil {
		if a.ready && !wasReady {
			a.hello(a.server.Application)
			a.leaveIfReady()
		}
		return err
	}
	switch kind := envelope.GetKind().(type) {
	case *pb.Envelope_Invocation:
		return a.start(envelope.GetId(), kind.Invocation)
	case *pb.Envelope_Cancel:
		if call := a.running[envelope.GetId()]; call != nil {
			call.cancelled = true
			call.stop()
		}
	case *pb.Envelope_Result: // this end calls nobody
	default:
		return a.cannot(envelope)
	}
	return nil
}

func (a *answers) start(id uint64, call *pb.Invocation) error {
	if id%2 != 1 || id <= a.lastID {
		return status.Errorf(codes.InvalidArgument,
			"%d is no id for a new call: the last one was %d", id, a.lastID)
	}
	a.lastID = id
	ctx, stop := context.WithCancel(a.context)
	a.running[id] = &running{stop: stop}
	a.open++
	go func() {
		defer stop()
		a.finish(id, call, a.server.answer(ctx, call))
	}()
	return nil
}

func (a *answers) finish(id uint64, call *pb.Invocation, result *pb.Result) {
	envelope := reply(id, result)
	size := proto.Size(envelope)
	a.mu.Lock()
	defer a.mu.Unlock()
	if size > a.limit {
		text := fmt.Sprintf("the answer has %d bytes, and the consumer takes %d", size, a.limit)
		envelope = reply(id,
			failed(codes.ResourceExhausted, pb.Execution_EXECUTION_MAYBE, text))
	}
	if !call.GetOneway() && !a.running[id].cancelled {
		a.put(envelope)
	}
	delete(a.running, id)
	a.closed()
}

func (a *answers) leave(reason string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.farewell = reason
	a.leaveIfReady()
}

func (a *answers) leaveIfReady() {
	if a.ready && a.farewell != "" {
		a.drain(a.farewell)
	}
}

func (a *answers) noSetup() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.ready {
		a.end(status.Error(codes.Unavailable, "no setup came"))
	}
}

func (a *answers) reason() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err
}
