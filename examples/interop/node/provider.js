// Provides demo.Greeter by the unary method Invoke: node provider.js [ADDRESS]
//
// It prints the address at which it listens, and serves until it is told to stop.

import { decode, encode } from "@msgpack/msgpack";
import grpc from "@grpc/grpc-js";
import { Facade } from "./facade.js";
import { greeter } from "./greeter.js";
import { plain, value } from "./value.js";

const LONGEST_TIMER = 2 ** 31 - 1; // milliseconds

/** A call that failed before its method was begun. */
class Refusal extends Error {
  constructor(message, status, code) {
    super(message);
    this.wire = { message, status, code, execution: "EXECUTION_NOT_STARTED" };
  }
}

/** The method that is meant. */
function find({ service, method, group, version }) {
  const known = service === "demo.Greeter" && !group && !version && Object.hasOwn(greeter, method);
  if (known) return greeter[method];
  const what = `there is no ${service}.${method} here`;
  throw new Refusal(what, grpc.status.UNIMPLEMENTED, "CODE_METHOD_NOT_FOUND");
}

/** Arguments by position, from an array or from an object. */
function readArguments(invocation, { parameters }) {
  const given = decoded(invocation) ?? [];
  if (Array.isArray(given) && given.length <= parameters.length) return given;
  const names = Object.keys(given);
  if (!Array.isArray(given) && names.every((name) => parameters.includes(name)))
    return parameters.map((name) => given[name]);
  throw misfit(`${invocation.method} takes (${parameters.join(", ")})`);
}

function decoded(invocation) {
  switch (invocation.arguments) {
    case "msgpack":
      return unpacked(invocation.msgpack);
    case "value":
      return plain(invocation.value);
    case undefined: // there are none
      return [];
    default:
      throw misfit(`${invocation.method} takes msgpack or value, not ${invocation.arguments}`);
  }
}

function unpacked(bytes) {
  try {
    return decode(bytes);
  } catch (error) {
    throw misfit(`the arguments are no msgpack: ${error.message}`);
  }
}

function misfit(message) {
  return new Refusal(message, grpc.status.INVALID_ARGUMENT, "CODE_SERIALIZATION");
}

/** The value in the encoding in which the arguments came. */
function encoded(invocation, answer) {
  return invocation.arguments === "msgpack"
    ? { msgpack: encode(answer ?? null) }
    : { value: value(answer) };
}

/** Why there is no value. */
function failure(error, expired) {
  if (error instanceof Refusal) return error.wire;
  const execution = "EXECUTION_MAYBE";
  if (expired) {
    const status = grpc.status.DEADLINE_EXCEEDED;
    return { code: "CODE_TIMEOUT", status, message: "the time was up", execution };
  }
  return {
    code: "CODE_BIZ",
    status: grpc.status.UNKNOWN,
    type: error.name,
    message: error.message,
    arguments: encode([error.message]),
    execution,
    raised: true,
  };
}

/** When the caller's time is up: of gRPC's deadline and time_left_us, the shorter one holds. */
function limit(call) {
  const told = call.request.time_left_us / 1000 || Infinity;
  const left = Math.min(told, call.getDeadline() - Date.now());
  return AbortSignal.timeout(Math.ceil(Math.min(Math.max(left, 0), LONGEST_TIMER)));
}

async function answer(call) {
  const invocation = call.request;
  const context = { received: invocation.attachments, sent: {}, signal: limit(call) };
  let outcome;
  try {
    const method = find(invocation);
    const answered = await method.run(readArguments(invocation, method), context);
    outcome = encoded(invocation, answered);
  } catch (error) {
    outcome = { error: failure(error, context.signal.aborted) };
  }
  return { ...outcome, attachments: context.sent };
}

function invoke(call, reply) {
  const answered = answer(call);
  // Nothing comes back of a oneway call, and it is not waited for.
  if (call.request.oneway) reply(null, {});
  else answered.then((result) => reply(null, result));
}

const server = new grpc.Server();
// Exchange and Describe are not there: consumers are told that they are UNIMPLEMENTED.
server.addService(Facade.service, { invoke });

const address = process.argv[2] ?? "127.0.0.1:0";
server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  console.log(`listening at 127.0.0.1:${port}`);
});

process.on("SIGTERM", () => server.tryShutdown(() => {}));
