"""What a call can do: a guest (this process), a waiter and a kitchen (one each).

    python -m examples.tour [--no-speed] [--port PORT]

The waiter calls the kitchen, so that what surrounds a call crosses two hops.
"""
