"""What must run in a cluster before it can carry out a kind of step: one component each, installable alone."""
