// The gRPC service facade.v1.Facade, read from the .proto files as the program starts.

import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

const protos = fileURLToPath(new URL("../../../protos", import.meta.url));

const definition = loadSync("facade/v1/exchange.proto", {
  includeDirs: [protos],
  keepCase: true, // time_left_us, as docs/wire.md writes it
  longs: Number,
  enums: String,
  defaults: true,
  oneofs: true, // envelope.kind and result.outcome name the field that is set
});

export const { Facade } = grpc.loadPackageDefinition(definition).facade.v1;
