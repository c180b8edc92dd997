"""The calling end.

client       AsyncClient, and what can be set on it
blocking     Client, for code without an event loop; engine is the thread behind it
proxy        a remote service as an object with methods; generic is one without an interface
mode         how a call hands its value over
bound        a remote method as a type checker sees it
limit        how long a call may take; describer asks what the provider publishes
chains       the filters of a client or a reference, around each inner end
remote       the inner end of the consumer's chain
callbacks    callables that are given as arguments, and how they are run
connections  which one a call takes: a lease, or several in turn
lease        one client's hold on a connector, which shared counts
connector    keeps a connection to the provider
listener     who is told of services that are referred to
exports      what a consumer exports: nothing but callbacks
"""
