"""Other languages and tools against a provider of ours, and our client against theirs."""
