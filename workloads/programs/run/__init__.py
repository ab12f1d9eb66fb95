"""The run: carries out a recipe's steps in a cluster. It needs the standard library alone.

`plan` is what it is given, `states` reads what is there, `decide` says what to do next, and `main` does it, over `api`.
It keeps nothing in memory that it could not find again: killed at any point and started anew, it goes on.
"""
