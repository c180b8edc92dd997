package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vmihailenco/msgpack/v5"
	"google.golang.org/grpc/codes"

	"example.com/interop/exchange"
	pb "example.com/interop/gen/facade/v1"
)

const greeterName = "demo.Greeter"

// request is a call, as a method sees it.
type request struct {
	context.Context
	arguments
	attachments map[string]string // that came with it
	back        map[string]string // that go back beside the value
}

var greeter = map[string]func(*request) (any, error){
	"hello":   hello,
	"add":     add,
	"fail":    fail,
	"sleep":   sleep,
	"baggage": baggage,
}

func hello(r *request) (any, error) {
	var name string
	if err := r.bind(required("name", &name)); err != nil {
		return nil, err
	}
	return "Hello " + name, nil
}

func add(r *request) (any, error) {
	a, b := int64(0), int64(1)
	if err := r.bind(required("a", &a), optional("b", &b)); err != nil {
		return nil, err
	}
	return a + b, nil
}

// raised is an error under a name that the consumer may know: Python's own exceptions do.
type raised struct{ name, text string }

func (r raised) Error() string { return r.text }

func fail(r *request) (any, error) {
	var text string
	if err := r.bind(required("text", &text)); err != nil {
		return nil, err
	}
	return nil, raised{"ValueError", text}
}

func sleep(r *request) (any, error) {
	var seconds float64
	if err := r.bind(required("seconds", &seconds)); err != nil {
		return nil, err
	}
	select {
	case <-time.After(time.Duration(seconds * float64(time.Second))):
		return seconds, nil
	case <-r.Done(): // cancelled, or the time is up
		return nil, r.Err()
	}
}

func baggage(r *request) (any, error) {
	r.back["seen-by"] = "go"
	received := map[string]any{}
	for name, value := range r.attachments {
		received[name] = value
	}
	return received, r.bind()
}

// answerGreeter answers each call, in the encoding in which its arguments came.
func answerGreeter(ctx context.Context, call *pb.Invocation) *pb.Result {
	method := greeter[call.GetMethod()]
	if call.GetService() != greeterName || method == nil ||
		call.GetGroup() != "" || call.GetVersion() != "" {
		return exchange.Refuse(codes.Unimplemented,
			fmt.Sprintf("there is no %s.%s here", call.GetService(), call.GetMethod()))
	}
	given, err := decode(call)
	if err != nil {
		return exchange.Refuse(codes.InvalidArgument, err.Error())
	}
	r := &request{ctx, given, call.GetAttachments(), map[string]string{}}
	value, err := method(r)
	result := &pb.Result{}
	if err == nil {
		err = encode(result, call, value)
	}
	if err != nil {
		result = refused(call, err)
	}
	result.Attachments = r.back
	return result
}

func refused(call *pb.Invocation, err error) *pb.Result {
	if wrong := misfit(""); errors.As(err, &wrong) {
		return exchange.Refuse(codes.InvalidArgument,
			fmt.Sprintf("%s.%s: %s", call.GetService(), call.GetMethod(), wrong))
	}
	wire := &pb.Error{
		Code:      pb.Code_CODE_BIZ,
		Status:    int32(codes.Unknown),
		Type:      fmt.Sprintf("%T", err),
		Message:   err.Error(),
		Execution: pb.Execution_EXECUTION_MAYBE,
		Raised:    true,
	}
	var known raised
	if errors.As(err, &known) { // with arguments it is made anew
		wire.Type = known.name
		wire.Arguments, _ = msgpack.Marshal([]any{known.text})
	}
	return &pb.Result{Outcome: &pb.Result_Error{Error: wire}}
}

func describeGreeter() *pb.ServiceDescription {
	described := &pb.ServiceDescription{Name: greeterName, Summary: "Greets people, from Go."}
	for name := range greeter {
		described.Methods = append(described.Methods, &pb.MethodDescription{Name: name})
	}
	slices.SortFunc(described.Methods, func(a, b *pb.MethodDescription) int {
		if a.GetName() < b.GetName() {
			return -1
		}
		return 1
	})
	return described
}
