// Calls demo.Greeter from Node: node consumer.js HOST:PORT

import grpc from "@grpc/grpc-js";
import { Facade } from "./facade.js";
import { plain, value } from "./value.js";

/** A call that came back with an error in place of a value. */
class CallError extends Error {
  constructor(error) {
    super(error.message);
    this.name = error.type || grpc.status[error.status];
    // Whether the method was not begun, so that the call may be sent again.
    this.notStarted = error.execution === "EXECUTION_NOT_STARTED";
  }
}

/** An Invocation. Arguments are an array (by position) or an object (by name). */
function invocation(method, args, { timeout = 30, attachments = {} } = {}) {
  return {
    service: "demo.Greeter",
    method,
    value: value(args),
    time_left_us: Math.round(timeout * 1e6),
    attachments,
  };
}

/** What a Result brought: the value, or a CallError that is thrown. */
function read(result) {
  if (result.outcome === "error") throw new CallError(result.error);
  if (result.expired) throw new CallError({ status: grpc.status.DEADLINE_EXCEEDED });
  return plain(result.value);
}

/** The answer to one unary gRPC call, which is given up after so many seconds. */
function unary(client, method, request, timeout = 30) {
  return new Promise((resolve, reject) => {
    client[method](request, { deadline: Date.now() + timeout * 1000 }, (error, answer) => {
      if (error) reject(new CallError({ status: error.code, message: error.details }));
      else resolve(answer);
    });
  });
}

async function call(client, method, args, options) {
  return read(await unary(client, "invoke", invocation(method, args, options), options?.timeout));
}

async function unaryCalls(client) {
  console.log("by position:", await call(client, "hello", ["Ann"]));
  console.log("by name:", await call(client, "add", { b: 3, a: 2 }));
  console.log("with a default:", await call(client, "add", [2]));

  const request = invocation("baggage", [], { attachments: { shop: "north" } });
  const answer = await unary(client, "invoke", request);
  console.log("attachments:", read(answer).shop, "there,", answer.attachments["seen-by"], "back");

  await call(client, "fail", ["no such shop"]).catch((error) => {
    console.log("error of the method:", error.name, error.message);
  });
  await call(client, "dance", []).catch((error) => {
    console.log("no such method:", error.name, error.notStarted);
  });
}

async function timeouts(client) {
  await call(client, "sleep", [2], { timeout: 0.2 }).catch((error) => {
    console.log("timeout:", error.name);
  });
  // The provider lets a method end. It answers then, and says that the time was up.
  const request = invocation("sleep", [1.5], { timeout: 1 });
  const answer = await unary(client, "invoke", request);
  console.log("expired at the provider:", answer.expired);
}

async function describe(client) {
  const { services } = await unary(client, "describe", { service: "demo.Greeter" });
  const add = services[0].methods.find((method) => method.name === "add");
  const parameters = add.parameters.map(({ name, type }) => `${name}: ${type}`);
  console.log(`described: add(${parameters.join(", ")}) -> ${add.returns}`);
}

async function atOnce(client) {
  const numbers = Array.from({ length: 100 }, (_, number) => number);
  const sums = await Promise.all(numbers.map((number) => call(client, "add", [number, 1])));
  console.log("at once:", sums.filter((sum, number) => sum === number + 1).length);
}

/** Several calls in one message of one stream, which then ends in peace. */
async function exchange(client) {
  const stream = client.exchange();
  const names = ["Ann", "Bob", "Cid"];
  // The end that opens the stream numbers its calls 1, 3, 5 ...
  const calls = names.map((name, at) => ({
    id: 2 * at + 1,
    invocation: invocation("hello", [name]),
  }));
  stream.write({ envelopes: [{ setup: { version: 1 } }, ...calls] });

  const answers = new Map();
  for await (const { envelopes } of stream) {
    for (const { id, kind, ping, result } of envelopes) {
      if (kind === "ping") stream.write({ envelopes: [{ pong: { nonce: ping.nonce } }] });
      if (kind === "drain") stream.end();
      if (kind !== "result") continue;
      answers.set(id, read(result));
      if (answers.size === calls.length) stream.write({ envelopes: [{ drain: {} }] });
    }
  }
  console.log("exchange:", calls.map(({ id }) => answers.get(id)).join(", "));
}

const client = new Facade(process.argv[2], grpc.credentials.createInsecure());
await unaryCalls(client);
await timeouts(client);
await describe(client);
await atOnce(client);
await exchange(client);
client.close();
