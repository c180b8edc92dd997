"""The smallest pair: an interface, a provider and a consumer.

python -m examples.greeter.provider [ADDRESS]
python -m examples.greeter.consumer [ADDRESS]
"""
