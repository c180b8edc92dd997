package exchange

import (
	"context"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "example.com/interop/gen/facade/v1"
)

// Error says why a call failed, whether the provider reported it or this end did.
//
// errors.Is finds context.DeadlineExceeded and context.Canceled in it, and status.Code gives
// its gRPC status.
type Error struct {
	Wire *pb.Error
}

func (e *Error) Error() string {
	if e.Wire.GetType() != "" { // an exception of the method
		return fmt.Sprintf("%s: %s", e.Wire.GetType(), e.Wire.GetMessage())
	}
	return fmt.Sprintf("%s: %s", e.status(), e.Wire.GetMessage())
}

// Retriable says that the method was not started, so that the call may be sent again.
func (e *Error) Retriable() bool {
	return e.Wire.GetExecution() == pb.Execution_EXECUTION_NOT_STARTED
}

func (e *Error) Unwrap() error {
	switch e.status() {
	case codes.DeadlineExceeded:
		return context.DeadlineExceeded
	case codes.Canceled:
		return context.Canceled
	}
	return nil
}

// GRPCStatus is what status.FromError asks for.
func (e *Error) GRPCStatus() *status.Status {
	return status.New(e.status(), e.Error())
}

func (e *Error) status() codes.Code { return codes.Code(e.Wire.GetStatus()) }

// Refuse is the answer to a call whose method was not started.
func Refuse(what codes.Code, message string) *pb.Result {
	return failed(what, pb.Execution_EXECUTION_NOT_STARTED, message)
}

// dubbo has the code that goes with a status.
var dubbo = map[codes.Code]pb.Code{
	codes.DeadlineExceeded:  pb.Code_CODE_TIMEOUT,
	codes.InvalidArgument:   pb.Code_CODE_SERIALIZATION,
	codes.ResourceExhausted: pb.Code_CODE_LIMIT_EXCEEDED,
	codes.Unavailable:       pb.Code_CODE_NETWORK,
	codes.Unimplemented:     pb.Code_CODE_METHOD_NOT_FOUND,
}

func failed(what codes.Code, ran pb.Execution, message string) *pb.Result {
	wire := &pb.Error{Status: int32(what), Code: dubbo[what], Execution: ran, Message: message}
	return &pb.Result{Outcome: &pb.Result_Error{Error: wire}}
}

// outcome is the error of a result, where it has one.
func outcome(result *pb.Result) (*pb.Result, error) {
	if wire := result.GetError(); wire != nil {
		return nil, &Error{wire}
	}
	if result.GetExpired() { // not a null: there was a value, and it came too late
		late := failed(codes.DeadlineExceeded, pb.Execution_EXECUTION_MAYBE,
			"the time ran out at the provider")
		return nil, &Error{late.GetError()}
	}
	return result, nil
}
