"""The programs that a recipe's steps run. A pod holds just this package, so it imports nothing of the rest.

Inside it imports are relative: a pod knows the package as `programs`, the repository as `workloads.programs`.
It runs on Python 3.10 as well, the newest that the Neuron training images have.
"""
