"""Generated from protos/facade/v1 by `make protos`."""
