package exchange

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	pb "example.com/interop/gen/facade/v1"
)

type stream = grpc.BidiStreamingServer[pb.Frame, pb.Frame]

// scripted is a provider that does what a test says.
type scripted struct {
	pb.UnimplementedFacadeServer
	script func(stream) error
}

func (s scripted) Exchange(stream stream) error { return s.script(stream) }

func serve(t *testing.T, facade pb.FacadeServer) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(ServerOptions()...)
	pb.RegisterFacadeServer(server, facade)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return listener.Addr().String()
}

func dial(t *testing.T, address string) *Client {
	client, err := Dial(t.Context(), address, "test",
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func text(id uint64, value string) *pb.Envelope {
	return reply(id, &pb.Result{Outcome: &pb.Result_Value{Value: structpb.NewStringValue(value)}})
}

func hello() *pb.Envelope {
	return &pb.Envelope{Kind: &pb.Envelope_Setup{Setup: &pb.Setup{Version: 1}}}
}

func drain() *pb.Envelope {
	return &pb.Envelope{Kind: &pb.Envelope_Drain{Drain: &pb.Drain{}}}
}

func invocation(id uint64) *pb.Envelope {
	return &pb.Envelope{Id: id, Kind: &pb.Envelope_Invocation{Invocation: &pb.Invocation{}}}
}

func send(t *testing.T, s interface{ Send(*pb.Frame) error }, envelopes ...*pb.Envelope) {
	if err := s.Send(&pb.Frame{Envelopes: envelopes}); err != nil {
		t.Error(err)
	}
}

// reader gives one envelope after the other, however they were grouped.
func reader(s interface{ Recv() (*pb.Frame, error) }) func() *pb.Envelope {
	var waiting []*pb.Envelope
	return func() *pb.Envelope {
		for len(waiting) == 0 {
			frame, err := s.Recv()
			if err != nil {
				return nil
			}
			waiting = frame.GetEnvelopes()
		}
		first := waiting[0]
		waiting = waiting[1:]
		return first
	}
}

func invoke(client *Client, ctx context.Context) (string, error) {
	result, err := client.Invoke(ctx, &pb.Invocation{Service: "a", Method: "b"})
	return result.GetValue().GetStringValue(), err
}

// Results come in any order and share a frame, and a ping is answered while calls are open.
func TestResultsInAnyOrder(t *testing.T) {
	address := serve(t, scripted{script: func(s stream) error {
		next := reader(s)
		next()
		send(t, s, hello(), &pb.Envelope{Kind: &pb.Envelope_Ping{Ping: &pb.Ping{Nonce: 7}}})
		if pong := next().GetPong(); pong.GetNonce() != 7 {
			t.Errorf("no pong came")
		}
		first, second := next().GetId(), next().GetId()
		if first != 1 || second != 3 {
			t.Errorf("ids are %d and %d", first, second)
		}
		send(t, s, text(second, "2"), text(99, "nobody's"), text(first, "1"))
		if next().GetDrain() == nil {
			t.Errorf("no drain came")
		}
		send(t, s, drain())
		return nil
	}})
	client := dial(t, address)
	answers := make(chan string)
	for range 2 {
		go func() {
			answer, err := invoke(client, t.Context())
			if err != nil {
				t.Error(err)
			}
			answers <- answer
		}()
	}
	if one, other := <-answers, <-answers; one == other {
		t.Errorf("both calls got %s", one)
	}
	if err := client.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// A provider that drains gets its last calls answered, and no new ones.
func TestProviderDrains(t *testing.T) {
	address := serve(t, scripted{script: func(s stream) error {
		next := reader(s)
		next()
		send(t, s, hello())
		call := next()
		send(t, s, drain())
		if next().GetDrain() == nil {
			t.Errorf("no drain came back")
		}
		send(t, s, text(call.GetId(), "last"))
		for next() != nil {
		}
		return nil
	}})
	client := dial(t, address)
	if answer, err := invoke(client, t.Context()); answer != "last" {
		t.Error(err)
	}
	<-client.Done()
	_, err := invoke(client, t.Context())
	var failure *Error
	if !errors.As(err, &failure) || !failure.Retriable() || status.Code(err) != codes.Unavailable {
		t.Error(err)
	}
	if err := client.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// A stream that breaks fails its calls, which may have run.
func TestStreamBreaks(t *testing.T) {
	address := serve(t, scripted{script: func(s stream) error {
		next := reader(s)
		next()
		send(t, s, hello())
		next()
		return status.Error(codes.Internal, "a fuse blew")
	}})
	client := dial(t, address)
	_, err := invoke(client, t.Context())
	var failure *Error
	if !errors.As(err, &failure) || failure.Retriable() {
		t.Error(err)
	}
	if err := client.Close(t.Context()); status.Code(err) != codes.Internal {
		t.Error(err)
	}
}

// A call that its context ends is cancelled at the provider.
func TestCancel(t *testing.T) {
	reasons := make(chan string, 1)
	ctx, cancel := context.WithCancel(t.Context())
	address := serve(t, scripted{script: func(s stream) error {
		next := reader(s)
		next()
		send(t, s, hello())
		call := next()
		cancel()
		ended := next()
		if ended.GetId() != call.GetId() {
			t.Errorf("%d was cancelled, not %d", ended.GetId(), call.GetId())
		}
		reasons <- ended.GetCancel().GetReason()
		return nil
	}})
	client := dial(t, address)
	defer client.Close(t.Context())
	if _, err := invoke(client, ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if reason := <-reasons; reason != context.Canceled.Error() {
		t.Error(reason)
	}
}

// A oneway call is run, and nothing comes back of it.
func TestOneway(t *testing.T) {
	ran := make(chan string, 1)
	address := serve(t, &Server{Answer: func(_ context.Context, call *pb.Invocation) *pb.Result {
		ran <- call.GetMethod()
		return &pb.Result{}
	}})
	client := dial(t, address)
	call := &pb.Invocation{Service: "a", Method: "log", Oneway: true}
	if _, err := client.Invoke(t.Context(), call); err != nil {
		t.Error(err)
	}
	if err := client.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if method := <-ran; method != "log" {
		t.Error(method)
	}
}

// The largest envelope goes through, there and back; a larger one is not sent.
func TestSizes(t *testing.T) {
	address := serve(t, &Server{Answer: func(_ context.Context, call *pb.Invocation) *pb.Result {
		return &pb.Result{Outcome: &pb.Result_Raw{Raw: call.GetRaw()}}
	}})
	client := dial(t, address)
	for size, want := range map[int]codes.Code{
		maxMessageBytes - 50: codes.OK,
		maxMessageBytes:      codes.ResourceExhausted,
	} {
		call := &pb.Invocation{Arguments: &pb.Invocation_Raw{Raw: make([]byte, size)}}
		result, err := client.Invoke(t.Context(), call)
		if status.Code(err) != want || err == nil && len(result.GetRaw()) != size {
			t.Error(err)
		}
	}
	if err := client.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// What breaks the rules ends the stream of a provider, with a status that says why.
func TestViolations(t *testing.T) {
	address := serve(t, &Server{Answer: func(ctx context.Context, _ *pb.Invocation) *pb.Result {
		<-ctx.Done()
		return &pb.Result{}
	}})
	connection, err := grpc.NewClient(address,
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	version := &pb.Envelope{Kind: &pb.Envelope_Setup{Setup: &pb.Setup{Version: 2}}}
	for name, c := range map[string]struct {
		sent   []*pb.Envelope
		status codes.Code
	}{
		"no setup":        {[]*pb.Envelope{invocation(1)}, codes.InvalidArgument},
		"two setups":      {[]*pb.Envelope{hello(), hello()}, codes.InvalidArgument},
		"another version": {[]*pb.Envelope{version}, codes.FailedPrecondition},
		"an even id":      {[]*pb.Envelope{hello(), invocation(2)}, codes.InvalidArgument},
		"an id again":     {[]*pb.Envelope{hello(), invocation(3), invocation(3)}, codes.InvalidArgument},
		"an unknown kind": {[]*pb.Envelope{hello(), {}}, codes.Unimplemented},
		"one to pass by":  {[]*pb.Envelope{hello(), {Optional: true}, drain()}, codes.OK},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, done := context.WithTimeout(t.Context(), 20*time.Second)
			defer done()
			s, err := pb.NewFacadeClient(connection).Exchange(ctx)
			if err != nil {
				t.Fatal(err)
			}
			send(t, s, c.sent...)
			for err == nil {
				_, err = s.Recv()
			}
			if errors.Is(err, io.EOF) {
				err = nil
			}
			if status.Code(err) != c.status {
				t.Error(err)
			}
		})
	}
}
