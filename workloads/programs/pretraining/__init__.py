"""Pretraining from random weights: a corpus of plain text, Ray Train's workers, and the test of what came of it."""
