// A provider of demo.Greeter: go run ./cmd/provider [ADDRESS]
//
// It prints the address at which it listens, and serves until SIGTERM. Then it takes nothing new,
// and ends when its consumers have their answers.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"google.golang.org/grpc"

	"example.com/interop/exchange"
	pb "example.com/interop/gen/facade/v1"
)

// Longest that calls under way may take when the provider is told to stop.
const grace = 10 * time.Second

// provider is Exchange and Invoke, and says what there is.
type provider struct{ *exchange.Server }

func (provider) Describe(_ context.Context, asked *pb.DescribeRequest) (*pb.DescribeResponse, error) {
	answer := &pb.DescribeResponse{Application: "go"}
	if name := asked.GetService(); name == "" || name == greeterName {
		answer.Services = append(answer.Services, describeGreeter())
	}
	return answer, nil
}

func main() {
	log.SetFlags(0)
	address := "127.0.0.1:0"
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	facade := &exchange.Server{Answer: answerGreeter, Application: "go"}
	server := grpc.NewServer(exchange.ServerOptions()...)
	pb.RegisterFacadeServer(server, provider{facade})

	told, done := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer done()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		<-told.Done()
		defer time.AfterFunc(grace, func() {
			log.Printf("calls that had not ended after %s are cut off", grace)
			server.Stop()
		}).Stop()
		facade.Drain("the provider stops")
		server.GracefulStop()
	}()
	fmt.Println("listening at", listener.Addr())
	if err := server.Serve(listener); err != nil {
		log.Fatal(err)
	}
	<-stopped
}
