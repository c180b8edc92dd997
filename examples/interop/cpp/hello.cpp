// One call: build/hello HOST:PORT

#include <chrono>
#include <iostream>

#include <grpcpp/grpcpp.h>

#include "facade/v1/exchange.grpc.pb.h"

int main(int, char** words) {
  auto channel = grpc::CreateChannel(words[1], grpc::InsecureChannelCredentials());
  facade::v1::Facade::Stub stub(channel);

  facade::v1::Invocation call;
  call.set_service("demo.Greeter");
  call.set_method("hello");
  call.mutable_value()->mutable_list_value()->add_values()->set_string_value("Ann");

  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  facade::v1::Result result;
  grpc::Status status = stub.Invoke(&context, call, &result);

  if (!status.ok())
    std::cerr << "there was no call: " << status.error_message() << "\n";
  else if (result.has_error())
    std::cerr << result.error().message() << "\n";
  else
    std::cout << result.value().string_value() << "\n";
}
