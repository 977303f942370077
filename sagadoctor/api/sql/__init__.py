"""The guest connection: how the SQL adapter and SQL plugins read a database without being in anybody's way."""
