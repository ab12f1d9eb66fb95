"""The groups of processes that hold a model together on Trainium, where Ray Train has joined the processes already.

Under torchrun, optimum-neuron 0.4.5 joins the processes and cuts them into groups at once. Where they are joined before
it is imported, it asks for the groups as it is imported, and fails without: so they come first. This module imports
nothing of it.
"""


def cut(tensor_parallel_degree: int) -> None:
    """Cuts the processes into groups of `tensor_parallel_degree`, where they are joined and not cut yet."""
    import torch.distributed as dist
    from neuronx_distributed.parallel_layers import parallel_state  # pyright: ignore[reportMissingImports]

    if dist.is_initialized() and not parallel_state.model_parallel_is_initialized():
        parallel_state.initialize_model_parallel(tensor_model_parallel_size=tensor_parallel_degree)
