"""Programs of the recipe `llama2-7b-megatron`.

Those that run in its image keep to Python 3.10, and start scripts of AWS's neuronx-nemo-megatron; what these take is
listed in `repository`.
"""
