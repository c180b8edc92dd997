// One call: node hello.js HOST:PORT

import grpc from "@grpc/grpc-js";
import { Facade } from "./facade.js";
import { plain, value } from "./value.js";

const client = new Facade(process.argv[2], grpc.credentials.createInsecure());
const call = { service: "demo.Greeter", method: "hello", value: value(["Ann"]) };

client.invoke(call, { deadline: Date.now() + 30_000 }, (failure, result) => {
  if (failure) console.error("there was no call:", failure.details);
  else if (result.outcome === "error") console.error(result.error.message);
  else console.log(plain(result.value));
  client.close();
});
