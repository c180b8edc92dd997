"""How fast a call is, beside what it stands on: `make bench`."""
