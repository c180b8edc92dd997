// Many calls on one stream: go run ./cmd/exchange HOST:PORT
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/structpb"

	"example.com/interop/exchange"
	pb "example.com/interop/gen/facade/v1"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: exchange HOST:PORT")
	}
	ctx, done := context.WithTimeout(context.Background(), 60*time.Second)
	defer done()
	client, err := exchange.Dial(ctx, os.Args[1], "go",
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	thousand(ctx, client)
	cancelled(ctx, client)
	late(ctx, client)
	failed(ctx, client)
	if err := client.Close(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println("ended in peace")
}

func call(
	ctx context.Context, client *exchange.Client, method string, arguments ...any,
) (*structpb.Value, error) {
	list, err := structpb.NewList(arguments)
	if err != nil {
		return nil, err
	}
	result, err := client.Invoke(ctx, &pb.Invocation{
		Service:   "demo.Greeter",
		Method:    method,
		Arguments: &pb.Invocation_Value{Value: structpb.NewListValue(list)},
	})
	return result.GetValue(), err
}

func thousand(ctx context.Context, client *exchange.Client) {
	const calls = 1000
	var all sync.WaitGroup
	var right atomic.Int32
	for number := range calls {
		all.Go(func() {
			name := fmt.Sprint("Ann ", number)
			value, err := call(ctx, client, "hello", name)
			if err != nil {
				log.Print(err)
			} else if value.GetStringValue() == "Hello "+name {
				right.Add(1)
			}
		})
	}
	all.Wait()
	fmt.Printf("%d of %d calls answered on one stream\n", right.Load(), calls)
}

func cancelled(ctx context.Context, client *exchange.Client) {
	ctx, cancel := context.WithCancel(ctx)
	time.AfterFunc(100*time.Millisecond, cancel)
	_, err := call(ctx, client, "sleep", 25)
	fmt.Println("cancelled:", errors.Is(err, context.Canceled))
}

func late(ctx context.Context, client *exchange.Client) {
	ctx, done := context.WithTimeout(ctx, 100*time.Millisecond)
	defer done()
	_, err := call(ctx, client, "sleep", 25)
	fmt.Println("deadline:", errors.Is(err, context.DeadlineExceeded))
}

func failed(ctx context.Context, client *exchange.Client) {
	_, err := call(ctx, client, "fail", "no luck")
	var failure *exchange.Error
	if errors.As(err, &failure) {
		fmt.Printf("error: %v (raised=%t)\n", failure, failure.Wire.GetRaised())
	}
	_, err = call(ctx, client, "nothing")
	if errors.As(err, &failure) {
		fmt.Printf("refused: retriable=%t\n", failure.Retriable())
	}
}
