"""A computing centre, invented."""
