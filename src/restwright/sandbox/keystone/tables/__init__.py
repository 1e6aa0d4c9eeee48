"""The tables of both eras."""
