"""The built-in filters, one file each. Import them as ``facade.filters.<name>``.

On by themselves, outermost first:

    consumer   consumer_context
    provider   context -> exception -> timeout

and, for the methods that they answer themselves, generic and echo at a provider.
"""
