"""The calling end.

client     AsyncClient, and what can be set on it
blocking   Client, for code without an event loop; engine is the thread behind it
callbacks  callables that are given as arguments, and how they are run
proxy      a remote service as an object with methods
mode       how a call hands its value over
bound      a remote method as a type checker sees it
remote     the inner end of the consumer's chain
connections which one a call takes: a lease, or several in turn
lease      one client's hold on a connector, which shared counts
connector  keeps a connection to the provider
"""
