"""`trainyard leftovers`: what of a stack outlived its end, what it costs a day, and what removes it. One file a kind.

A kind is a plain function from an account and the owner to what is left.
"""
