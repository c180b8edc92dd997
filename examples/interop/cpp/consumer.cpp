// Calls demo.Greeter from C++: build/consumer HOST:PORT

#include <chrono>
#include <functional>
#include <future>
#include <initializer_list>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <grpcpp/grpcpp.h>

#include "facade/v1/exchange.grpc.pb.h"

using namespace std::chrono_literals;
using facade::v1::Facade;
using facade::v1::Invocation;
using facade::v1::Result;
using google::protobuf::Value;
using std::cout;
using std::string;
using Timeout = std::chrono::microseconds;

// Values

Value text(const string& plain) {
  Value value;
  value.set_string_value(plain);
  return value;
}

Value number(double plain) {
  Value value;
  value.set_number_value(plain);
  return value;
}

Value list(std::initializer_list<Value> items) {
  Value value;
  auto& values = *value.mutable_list_value()->mutable_values();
  for (const Value& item : items) *values.Add() = item;
  return value;
}

Value object(std::initializer_list<std::pair<string, Value>> items) {
  Value value;
  auto& fields = *value.mutable_struct_value()->mutable_fields();
  for (const auto& [name, item] : items) fields[name] = item;
  return value;
}

// Calls

// A call that came back without a value.
struct CallError : std::runtime_error {
  explicit CallError(const facade::v1::Error& error)
      : runtime_error(error.message()),
        status(error.status()),
        type(error.type()),
        not_started(error.execution() == facade::v1::EXECUTION_NOT_STARTED) {}

  explicit CallError(const grpc::Status& status)
      : runtime_error(status.error_message()), status(status.error_code()) {}

  int status;
  string type;  // of an exception that the method raised
  bool not_started = false;  // so that the call may be sent again
};

// The arguments are a list (by position) or an object (by name).
Invocation invocation(const string& method, const Value& arguments, Timeout timeout = 30s) {
  Invocation call;
  call.set_service("demo.Greeter");
  call.set_method(method);
  call.set_time_left_us(timeout.count());
  *call.mutable_value() = arguments;
  return call;
}

// Sends it by Invoke, and gives it up after so long.
Result send(Facade::Stub& stub, const Invocation& call, Timeout timeout = 30s) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + timeout);
  Result result;
  grpc::Status status = stub.Invoke(&context, call, &result);
  if (!status.ok()) throw CallError(status);
  return result;
}

// What a result brought.
const Value& read(const Result& result) {
  if (result.has_error()) throw CallError(result.error());
  if (result.expired()) throw CallError({grpc::StatusCode::DEADLINE_EXCEEDED, "expired"});
  return result.value();
}

Value invoke(Facade::Stub& stub, const string& method, const Value& arguments,
             Timeout timeout = 30s) {
  return read(send(stub, invocation(method, arguments, timeout), timeout));
}

CallError failure(const std::function<void()>& call) {
  try {
    call();
  } catch (const CallError& error) {
    return error;
  }
  throw std::logic_error("the call should have failed");
}

// What there is to see

void unary_calls(Facade::Stub& stub) {
  cout << "by position: " << invoke(stub, "hello", list({text("Ann")})).string_value() << "\n";
  Value arguments = object({{"b", number(3)}, {"a", number(2)}});
  cout << "by name: " << invoke(stub, "add", arguments).number_value() << "\n";
  cout << "with a default: " << invoke(stub, "add", list({number(2)})).number_value() << "\n";

  Invocation call = invocation("baggage", list({}));
  (*call.mutable_attachments())["shop"] = "north";
  Result answer = send(stub, call);
  cout << "attachments: " << read(answer).struct_value().fields().at("shop").string_value()
       << " there, " << answer.attachments().at("seen-by") << " back\n";

  CallError raised = failure([&] { invoke(stub, "fail", list({text("no such shop")})); });
  cout << "error of the method: " << raised.type << " " << raised.what() << "\n";
  CallError refused = failure([&] { invoke(stub, "dance", list({})); });
  cout << "no such method: status " << refused.status
       << (refused.not_started ? ", not started\n" : "\n");
}

void timeouts(Facade::Stub& stub) {
  CallError late = failure([&] { invoke(stub, "sleep", list({number(2)}), 200ms); });
  cout << "timeout: status " << late.status << "\n";
  // The provider lets a method end. It answers then, and says that the time was up.
  Result answer = send(stub, invocation("sleep", list({number(1.5)}), 1s));
  cout << "expired at the provider: " << std::boolalpha << answer.expired() << "\n";
}

void describe(Facade::Stub& stub) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + 30s);
  facade::v1::DescribeRequest request;
  request.set_service("demo.Greeter");
  facade::v1::DescribeResponse response;
  grpc::Status status = stub.Describe(&context, request, &response);
  if (!status.ok()) throw CallError(status);
  for (const auto& method : response.services().at(0).methods()) {
    if (method.name() != "add") continue;
    cout << "described: add(";
    const char* separator = "";
    for (const auto& parameter : method.parameters()) {
      cout << separator << parameter.name() << ": " << parameter.type();
      separator = ", ";
    }
    cout << ") -> " << method.returns() << "\n";
  }
}

void at_once(Facade::Stub& stub) {
  std::vector<std::future<double>> sums;
  for (int i = 0; i < 20; ++i)
    sums.push_back(std::async(std::launch::async, [&stub, i] {
      return invoke(stub, "add", list({number(i), number(1)})).number_value();
    }));
  int right = 0;
  for (int i = 0; i < 20; ++i) right += sums[i].get() == i + 1;
  cout << "at once: " << right << "\n";
}

// Several calls in one message of one stream, which then ends in peace.
void exchange(Facade::Stub& stub) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + 30s);
  auto stream = stub.Exchange(&context);

  facade::v1::Frame frame;
  frame.add_envelopes()->mutable_setup()->set_version(1);
  // The end that opens the stream numbers its calls 1, 3, 5 ...
  uint64_t id = 1;
  for (const char* name : {"Ann", "Bob", "Cid"}) {
    auto& envelope = *frame.add_envelopes();
    envelope.set_id(id);
    *envelope.mutable_invocation() = invocation("hello", list({text(name)}));
    id += 2;
  }
  stream->Write(frame);

  std::map<uint64_t, string> answers;
  while (stream->Read(&frame)) {
    facade::v1::Frame reply;
    bool last = false;
    for (const auto& envelope : frame.envelopes()) {
      if (envelope.has_ping())
        reply.add_envelopes()->mutable_pong()->set_nonce(envelope.ping().nonce());
      last = last || envelope.has_drain();
      if (!envelope.has_result()) continue;
      answers[envelope.id()] = read(envelope.result()).string_value();
      if (answers.size() == 3) reply.add_envelopes()->mutable_drain();
    }
    if (reply.envelopes_size() > 0) stream->Write(reply);
    if (last) stream->WritesDone();
  }
  grpc::Status status = stream->Finish();
  if (!status.ok()) throw CallError(status);

  cout << "exchange:";
  for (const auto& [_, answer] : answers) cout << " " << answer << ";";
  cout << "\n";
}

int main(int count, char** words) {
  if (count != 2) {
    std::cerr << "usage: consumer HOST:PORT\n";
    return 2;
  }
  auto channel = grpc::CreateChannel(words[1], grpc::InsecureChannelCredentials());
  Facade::Stub stub(channel);
  try {
    unary_calls(stub);
    timeouts(stub);
    describe(stub);
    at_once(stub);
    exchange(stub);
  } catch (const CallError& error) {
    std::cerr << "status " << error.status << ": " << error.what() << "\n";
    return 1;
  }
}
