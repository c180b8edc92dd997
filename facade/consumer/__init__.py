"""The calling end.

client     AsyncClient, and what can be set on it
blocking   Client, for code without an event loop; engine is the thread behind it
proxy      a remote service as an object with methods
mode       how a call hands its value over
bound      a remote method as a type checker sees it
remote     the inner end of the consumer's chain
connector  keeps a connection to the provider
"""
