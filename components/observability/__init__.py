"""What a person needs to see of a stack: metrics and dashboards, logs, curves. One component each."""
