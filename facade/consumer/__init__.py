"""The calling end.

client     AsyncClient, and what can be set on it
blocking   Client, for code without an event loop; engine is the thread behind it
callbacks  callables that are given as arguments, and how they are run
proxy      a remote service as an object with methods
remote     the inner end of the consumer's chain
connector  keeps a connection to the provider
"""
