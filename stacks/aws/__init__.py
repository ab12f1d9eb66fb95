"""An AWS account, asked from outside the engine: before a stack is stood up, and after it was taken down."""
