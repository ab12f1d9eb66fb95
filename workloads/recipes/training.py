"""What recipes that train with the project's loop have alike."""

TUNING = {"gradient_checkpointing", "log_every", "eval_every", "checkpoint_every", "keep_checkpoints"}
"""Parameters of the loop that change no result."""
