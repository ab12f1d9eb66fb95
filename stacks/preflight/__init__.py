"""`trainyard preflight`: is all there that a stack needs, before anything is paid for. One file a check.

A check is a plain function from an account and what the stack would use to a Finding.
"""
