"""The answering end.

server       Server: listens, exports, drains
exporter     what is exported, by service key; publication tells who listens
description  what is told to who asks
unary        the answering role for unary calls; inprocess that for calls within the process
local        the inner end of the provider's chain: the implementation itself
callback     what a method gets for a callable of its consumer; listeners are those of a stream
pool         threads for methods that are not async
standard     health, reflection, channelz: gRPC's own services, for its tools
listener     who is told of services that are exported
"""
