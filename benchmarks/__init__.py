"""How fast a call is, beside what it stands on, and beside what else there is: `make bench`."""
