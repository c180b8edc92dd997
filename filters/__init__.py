"""The built-in filters, one file each. Import them as ``facade.filters.<name>``.

On by themselves, outermost first:

    consumer   consumer_context
    provider   context -> timeout
"""
