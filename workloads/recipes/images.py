"""The container image that most recipes train in."""

from .step import Image

NEURON_TRAINING = Image(
    "neuron-training",
    "public.ecr.aws/neuron/pytorch-training-neuronx:2.8.0-neuronx-py311-sdk2.26.1-ubuntu22.04",
    (
        "optimum-neuron[training]==0.4.5",
        "ray[train]==2.52.1",
        "datasets==4.8.5",
        "tensorboard==2.20.0",
        "boto3==1.44.5",
    ),
)
"""One for all but Megatron's, so that it is built and pulled once: the Neuron SDK that optimum-neuron 0.4.5 names."""
