"""What keeps a stack from costing more than it should: a budget's alarm, an end in time, a limit for pods."""
