"""The resources of both eras, as data."""
