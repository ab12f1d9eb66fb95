"""What runs: recipes as plain data, launchers that turn a step into something to start, programs that a pod holds."""
