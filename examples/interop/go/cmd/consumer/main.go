// A consumer that uses plain stubs and nothing of ours: go run ./cmd/consumer HOST:PORT
//
// Each call is a unary gRPC call of the method Invoke, with its arguments in
// google.protobuf.Value.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	pb "example.com/interop/gen/facade/v1"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: consumer HOST:PORT")
	}
	connection, err := grpc.NewClient(os.Args[1],
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	defer connection.Close()
	greeter := greeter{pb.NewFacadeClient(connection)}
	greeter.values()
	greeter.attachments()
	greeter.failure()
	greeter.timeouts()
	greeter.describe()
}

type greeter struct{ facade pb.FacadeClient }

// call makes one call. Arguments are a list, by position, or a map, by name.
func (g greeter) call(
	ctx context.Context, method string, arguments any, more func(*pb.Invocation),
) (*pb.Result, error) {
	value, err := structpb.NewValue(arguments)
	if err != nil {
		return nil, err
	}
	invocation := &pb.Invocation{
		Service:    "demo.Greeter",
		Method:     method,
		TimeLeftUs: 30_000_000, // 30 s
		Arguments:  &pb.Invocation_Value{Value: value},
	}
	if more != nil {
		more(invocation)
	}
	return g.facade.Invoke(ctx, invocation)
}

// must is for calls that can fail only where the provider is not there.
func must(result *pb.Result, err error) *pb.Result {
	if err != nil {
		log.Fatal(err)
	}
	return result
}

func (g greeter) values() {
	ctx := context.Background()
	hello := must(g.call(ctx, "hello", []any{"Ann"}, nil))
	fmt.Println("by position:", hello.GetValue().GetStringValue())
	sum := must(g.call(ctx, "add", map[string]any{"a": 2, "b": 3}, nil))
	fmt.Println("by name:", sum.GetValue().GetNumberValue())
}

func (g greeter) attachments() {
	result := must(g.call(context.Background(), "baggage", nil, func(call *pb.Invocation) {
		call.Attachments = map[string]string{"shop": "north"}
	}))
	there := result.GetValue().GetStructValue().GetFields()["shop"].GetStringValue()
	fmt.Printf("attachments: shop=%s there, seen-by=%s back\n",
		there, result.GetAttachments()["seen-by"])
}

// failure shows that a failed call is a result, under the status OK.
func (g greeter) failure() {
	failed := must(g.call(context.Background(), "fail", []any{"no luck"}, nil)).GetError()
	fmt.Printf("error: type=%s message=%q raised=%t\n",
		failed.GetType(), failed.GetMessage(), failed.GetRaised())
	wrong := must(g.call(context.Background(), "add", []any{"two"}, nil)).GetError()
	fmt.Printf("refused: %s, %s\n", wrong.GetMessage(), ran(wrong))
}

func ran(failed *pb.Error) string {
	if failed.GetExecution() == pb.Execution_EXECUTION_NOT_STARTED {
		return "not started"
	}
	return "maybe executed"
}

// timeouts shows the two ways in which a call's time runs out. Where both hold, either may come
// first.
func (g greeter) timeouts() {
	late := must(g.call(context.Background(), "sleep", []any{1.5}, func(call *pb.Invocation) {
		call.TimeLeftUs = 1_000_000
	}))
	fmt.Printf("late: expired=%t\n", late.GetExpired())
	// The deadline of gRPC ends it here, whatever the provider does.
	ctx, done := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer done()
	result, err := g.call(ctx, "sleep", []any{30}, nil)
	fmt.Println("timeout:", status.Code(err) == codes.DeadlineExceeded || result.GetExpired())
}

func (g greeter) describe() {
	answer, err := g.facade.Describe(context.Background(), &pb.DescribeRequest{Service: "demo.Greeter"})
	if err != nil {
		log.Fatal(err)
	}
	for _, service := range answer.GetServices() {
		fmt.Printf("%s of %s: %s\n", service.GetName(), answer.GetApplication(), service.GetSummary())
		for _, method := range service.GetMethods() {
			var parameters []string
			for _, p := range method.GetParameters() {
				parameters = append(parameters, p.GetName()+" "+p.GetType())
			}
			fmt.Printf("  %s(%s) %s\n",
				method.GetName(), strings.Join(parameters, ", "), method.GetReturns())
		}
	}
}
