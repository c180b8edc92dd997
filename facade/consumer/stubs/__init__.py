"""Generated gRPC stubs on our clients: their calls run through the consumer's filters."""
