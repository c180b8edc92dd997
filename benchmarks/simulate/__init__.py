"""Many consumers and many providers on a virtual clock: what one machine can't show."""
