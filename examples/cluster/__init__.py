"""Many providers, one client: python -m examples.cluster [--registry zookeeper://127.0.0.1:2181]"""
