"""Many calls on one stream.

envelope     the messages of the wire <-> Invocation, Result, errors
inflight     which calls wait for an answer, and until when; no I/O, no clock
outbox       what waits to be written, cut into frames
connection   one live stream: its reader, its writer, its end
heartbeat    whether the peer is still there
multiplexer  the calling role on a connection
dispatcher   the answering role on it; answering takes one call through the chain
handlers     what the user wants called when a connection is made or ends
callbacks    what the peer may call because it was handed over; reference is its form
calling      one call over a stream that is there
overdue      what is said of calls and answers that are late
description  what a provider exports, as messages and as data
injvm        calls within the process; fork is what gRPC can't do
transport    the only door to gRPC's streams; memory is its twin
"""
