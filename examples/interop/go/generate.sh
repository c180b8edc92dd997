#!/usr/bin/env bash
# Makes gen/facade/v1 from protos/ alone, with Go's own generators. They must be on the PATH:
#   go install google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12
#   go install google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2
# PROTOC is the compiler: protoc, or "python -m grpc_tools.protoc".
set -euo pipefail
cd "$(dirname "$0")"

protos=${PROTOS:-../../../protos}
rm -rf gen
mkdir gen
# shellcheck disable=SC2086 # PROTOC may be several words
${PROTOC:-protoc} -I "$protos" \
    --go_out=gen --go_opt=paths=source_relative \
    --go-grpc_out=gen --go-grpc_opt=paths=source_relative \
    "$protos"/facade/v1/*.proto
