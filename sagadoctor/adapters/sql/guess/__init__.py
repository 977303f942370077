"""What a mapping may be, guessed from a database that nobody has described yet; only `init` loads this."""
