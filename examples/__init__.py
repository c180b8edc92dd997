"""Small programs that run: the greeter is the smallest pair, the tour shows what a call can do."""
