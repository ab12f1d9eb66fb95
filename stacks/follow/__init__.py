"""Following a run, or a rehearsal: what there is to see at one moment, and how it is shown.

A source (`cluster`, `folder`) looks, and gives a `Sight`; `picture` makes of it what people want to know, by the same
pure functions as the run's own; `show` draws it.
"""
