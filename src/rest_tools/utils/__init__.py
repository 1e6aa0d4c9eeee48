"""What both sides of a REST service need: tokens, JSON with types, configuration, a daemon."""
