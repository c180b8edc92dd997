// Package exchange speaks facade.v1's Exchange: many calls at once on one gRPC stream.
//
// How it works. One goroutine reads frames and hands each result to the call that waits for it.
// Another takes all that waits to be sent and writes it as one frame, so frames grow with the
// load, and nothing is held back. A call is a number, a place in a map, and a channel.
package exchange

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pb "example.com/interop/gen/facade/v1"
)

// Client makes calls over one stream. It is for any number of goroutines.
type Client struct {
	link
	connection *grpc.ClientConn
	stream     grpc.BidiStreamingClient[pb.Frame, pb.Frame]
	hangUp     context.CancelFunc
	calls      map[uint64]chan *pb.Result
	nextID     uint64        // odd, as those of the end that opened the stream are
	connected  chan struct{} // closed with the peer's setup
	done       chan struct{} // closed with the stream
}

// Dial connects to a provider and waits for its setup. The context is for that alone.
func Dial(
	ctx context.Context, target, application string, options ...grpc.DialOption,
) (*Client, error) {
	options = append([]grpc.DialOption{
		grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(maxFrameBytes), grpc.MaxCallSendMsgSize(maxFrameBytes)),
		// Else a provider that fell silent would be noticed by nobody.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 30 * time.Second}),
	}, options...)
	connection, err := grpc.NewClient(target, options...)
	if err != nil {
		return nil, err
	}
	whole, hangUp := context.WithCancel(context.Background())
	defer context.AfterFunc(ctx, hangUp)() // once connected, ctx ends nothing any more
	stream, err := pb.NewFacadeClient(connection).Exchange(whole)
	if err != nil {
		hangUp()
		return nil, errors.Join(err, connection.Close())
	}
	c := &Client{
		connection: connection,
		stream:     stream,
		hangUp:     hangUp,
		calls:      map[uint64]chan *pb.Result{},
		nextID:     1,
		connected:  make(chan struct{}),
		done:       make(chan struct{}),
	}
	c.init()
	c.hello(application)
	go c.read()
	go func() {
		c.write(stream.Send)
		_ = stream.CloseSend()
	}()
	select {
	case <-c.connected:
		return c, nil
	case <-c.done:
		return nil, errors.Join(c.err, context.Cause(ctx), connection.Close())
	}
}

// Invoke makes a call and waits for what comes of it. A failed call is an *Error.
//
// The deadline of ctx goes with the call, and its end cancels it at the provider. The invocation
// is the client's from now on. A oneway call is only queued, and gives an empty result.
func (c *Client) Invoke(ctx context.Context, call *pb.Invocation) (*pb.Result, error) {
	id, answer, err := c.begin(ctx, call)
	if err != nil || call.GetOneway() {
		return &pb.Result{}, err
	}
	select {
	case result := <-answer:
		return outcome(result)
	case <-ctx.Done():
	}
	if gone := c.giveUp(ctx, id, call); gone != nil {
		return outcome(gone)
	}
	return outcome(<-answer)
}

// begin queues a call under the next id.
func (c *Client) begin(
	ctx context.Context, call *pb.Invocation,
) (uint64, <-chan *pb.Result, error) {
	if deadline, limited := ctx.Deadline(); limited {
		call.TimeLeftUs = uint64(max(time.Until(deadline).Microseconds(), 1))
	}
	if ctx.Err() != nil { // no time left: not sent at all
		_, err := outcome(stopped(ctx, call, pb.Execution_EXECUTION_NOT_STARTED))
		return 0, nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	envelope := &pb.Envelope{Id: c.nextID, Kind: &pb.Envelope_Invocation{Invocation: call}}
	if c.drainSent || c.ended {
		_, err := outcome(Refuse(codes.Unavailable, "the stream ends: dial again"))
		return 0, nil, err
	}
	if size := proto.Size(envelope); size > c.limit {
		text := fmt.Sprintf("the call has %d bytes, and the provider takes %d", size, c.limit)
		_, err := outcome(Refuse(codes.ResourceExhausted, text))
		return 0, nil, err
	}
	c.nextID += 2
	c.put(envelope)
	if call.GetOneway() {
		return envelope.Id, nil, nil
	}
	answer := make(chan *pb.Result, 1) // so that the reader never waits for a caller
	c.calls[envelope.Id] = answer
	c.open++
	return envelope.Id, answer, nil
}

// giveUp forgets a call, and tells the provider where it knows of it. Nil for a call that was
// answered meanwhile.
func (c *Client) giveUp(ctx context.Context, id uint64, call *pb.Invocation) *pb.Result {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, open := c.calls[id]; !open {
		return nil
	}
	delete(c.calls, id)
	c.closed()
	before := len(c.waiting)
	c.waiting = slices.DeleteFunc(c.waiting, func(e *pb.Envelope) bool { return e.GetId() == id })
	if len(c.waiting) < before {
		return stopped(ctx, call, pb.Execution_EXECUTION_NOT_STARTED)
	}
	cancel := &pb.Cancel{Reason: context.Cause(ctx).Error()}
	c.put(&pb.Envelope{Id: id, Kind: &pb.Envelope_Cancel{Cancel: cancel}})
	return stopped(ctx, call, pb.Execution_EXECUTION_MAYBE)
}

func stopped(ctx context.Context, call *pb.Invocation, ran pb.Execution) *pb.Result {
	what := status.FromContextError(ctx.Err()).Code()
	text := fmt.Sprintf("%s.%s: %s", call.GetService(), call.GetMethod(), context.Cause(ctx))
	return failed(what, ran, text)
}

// Close lets the calls under way end, takes no more, and ends the stream in peace; or at once,
// with ctx. It gives why the stream ended, unless that was in peace.
func (c *Client) Close(ctx context.Context) error {
	c.mu.Lock()
	c.drain("the consumer closes")
	c.mu.Unlock()
	select {
	case <-c.done:
	case <-ctx.Done():
		c.hangUp()
		<-c.done
	}
	c.hangUp()
	return errors.Join(c.err, c.connection.Close())
}

// Done is closed when the stream has ended. Who wants to call on dials again.
func (c *Client) Done() <-chan struct{} { return c.done }

func (c *Client) read() {
	var err error
	for err == nil {
		var frame *pb.Frame
		if frame, err = c.stream.Recv(); err == nil {
			err = c.receiveAll(frame)
		}
	}
	c.hangUp()
	c.mu.Lock()
	defer c.mu.Unlock()
	if errors.Is(err, io.EOF) {
		err = nil
		if !c.drainReceived {
			err = status.Error(codes.Unavailable, "the provider closed the stream")
		}
	}
	c.failAll(err)
	c.end(err)
	close(c.done)
}

func (c *Client) receiveAll(frame *pb.Frame) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, envelope := range frame.GetEnvelopes() {
		wasReady := c.ready
		taken, err := c.receive(envelope)
		if err != nil {
			return err
		}
		if c.ready && !wasReady {
			close(c.connected)
		}
		if !taken {
			if err := c.receiveMine(envelope); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Client) receiveMine(envelope *pb.Envelope) error {
	id := envelope.GetId()
	switch kind := envelope.GetKind().(type) {
	case *pb.Envelope_Result:
		c.resolve(id, kind.Result)
		return nil
	case *pb.Envelope_Cancel: // of a call that was refused already
		return nil
	case *pb.Envelope_Invocation:
		if kind.Invocation.GetOneway() {
			return nil
		}
	}
	if id%2 == 1 && !envelope.GetOptional() { // about a call of ours: it can't go on
		text := "the provider answered with what this end does not take"
		c.resolve(id, failed(codes.Unimplemented, pb.Execution_EXECUTION_MAYBE, text))
		return nil
	}
	return c.cannot(envelope) // this end has nothing to call
}

// resolve hands a result over. One that nobody waits for any more is dropped.
func (c *Client) resolve(id uint64, result *pb.Result) {
	if answer, open := c.calls[id]; open {
		delete(c.calls, id)
		answer <- result
		c.closed()
	}
}

// failAll tells each caller that the stream has ended, and whether his call went out before.
func (c *Client) failAll(err error) {
	unsent := map[uint64]bool{}
	for _, envelope := range c.waiting {
		unsent[envelope.GetId()] = envelope.GetInvocation() != nil
	}
	text := "the stream ended"
	if err != nil {
		text = fmt.Sprintf("the stream ended: %s", status.Convert(err).Message())
	}
	for id := range c.calls {
		ran := pb.Execution_EXECUTION_MAYBE
		if unsent[id] {
			ran = pb.Execution_EXECUTION_NOT_STARTED
		}
		c.resolve(id, failed(codes.Unavailable, ran, text))
	}
}
