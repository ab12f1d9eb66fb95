"""Every version that a platform is built from, in one place: to renew one, change it here and nowhere else."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Chart:
    """A Helm chart: `repository` is a repository's address, or the oci:// address of the chart's own folder."""

    name: str
    repository: str
    version: str


# --- the cluster: Kubernetes, machine images, add-ons

STANDARD_SUPPORT_ENDS = {
    "1.31": date(2025, 11, 26),
    "1.32": date(2026, 3, 23),
    "1.33": date(2026, 7, 29),
    "1.34": date(2026, 12, 2),
    "1.35": date(2027, 3, 27),
    "1.36": date(2027, 8, 2),
}
"""Last days of EKS's standard support, from EKS's release calendar and describe-cluster-versions of 2026-10-02, both
read 2026-11-21. After it EKS charges for extended support, or upgrades by itself."""


@dataclass(frozen=True, slots=True)
class Kubernetes:
    """A Kubernetes version with what goes with it: an add-on or image of another version is refused by EKS.

    `image_release` names the release of EKS's AL2023 images, the Neuron ones among them, as managed node groups do.
    """

    version: str
    image_release: str
    addons: Mapping[str, str]

    @property
    def image_alias(self) -> str:
        """The same release of images as Karpenter names it."""
        return "al2023@v" + self.image_release.rpartition("-")[2]


KUBERNETES = {
    # AWS's defaults for 1.35 as others read them from describe-addon-versions between 2026-08-04 and 2026-09-28; the
    # node monitoring agent and the FSx driver as seen at work on 1.35. Images: github.com/awslabs/amazon-eks-ami
    "1.35": Kubernetes(
        version="1.35",
        image_release="1.35.7-20260911",
        addons={
            "vpc-cni": "v1.22.4-eksbuild.3",
            "kube-proxy": "v1.35.3-eksbuild.29",
            "eks-pod-identity-agent": "v1.3.10-eksbuild.3",
            "eks-node-monitoring-agent": "v1.6.6-eksbuild.1",
            "coredns": "v1.13.2-eksbuild.31",
            "aws-ebs-csi-driver": "v1.66.0-eksbuild.1",
            "aws-fsx-csi-driver": "v1.9.0-eksbuild.1",
            "metrics-server": "v0.9.0-eksbuild.5",
        },
    ),
    # AWS's defaults for 1.36, read by others in September and October 2026. Of the FSx driver there is no record on
    # 1.36: this is the newest that was seen anywhere (2026-11-21)
    "1.36": Kubernetes(
        version="1.36",
        image_release="1.36.3-20260903",
        addons={
            "vpc-cni": "v1.22.4-eksbuild.3",
            "kube-proxy": "v1.36.0-eksbuild.25",
            "eks-pod-identity-agent": "v1.3.10-eksbuild.3",
            "eks-node-monitoring-agent": "v1.6.6-eksbuild.1",
            "coredns": "v1.14.3-eksbuild.23",
            "aws-ebs-csi-driver": "v1.66.0-eksbuild.1",
            "aws-fsx-csi-driver": "v1.10.0-eksbuild.1",
            "metrics-server": "v0.9.0-eksbuild.11",
        },
    ),
}

DEFAULT_KUBERNETES = "1.35"


# --- charts and manifests
# read 2026-11-21, each in the project's own repository or registry page, where nothing else is said

NEURON_CHART = Chart("neuron-helm-chart", "oci://public.ecr.aws/neuron/neuron-helm-chart", "1.9.0")
"""Of Neuron SDK 2.31: the newest whose values could be read; its documentation names 1.10.0 as well."""
EFA_CHART = Chart("aws-efa-k8s-device-plugin", "https://aws.github.io/eks-charts", "v0.5.30")
KUBERAY_CHART = Chart("kuberay-operator", "https://ray-project.github.io/kuberay-helm", "1.7.0")
VOLCANO_CHART = Chart("volcano", "https://volcano-sh.github.io/helm-charts", "1.15.1")
PROMETHEUS_CHART = Chart(
    "kube-prometheus-stack", "oci://ghcr.io/prometheus-community/charts/kube-prometheus-stack", "88.5.3"
)
FLUENT_BIT_CHART = Chart("aws-for-fluent-bit", "https://aws.github.io/eks-charts", "0.2.0")

MPI_OPERATOR = "0.8.0"
MPI_OPERATOR_IMAGE = f"docker.io/mpioperator/mpi-operator:{MPI_OPERATOR}"
MPI_OPERATOR_CRD = (
    f"https://raw.githubusercontent.com/kubeflow/mpi-operator/v{MPI_OPERATOR}/manifests/base/kubeflow.org_mpijobs.yaml"
)

NEURON_MONITOR_IMAGE = "public.ecr.aws/neuron/neuron-monitor:1.11.0"
"""As in AWS's own chart for CloudWatch of August 2026; the DaemonSet in the Neuron documentation still has 1.3.0."""
BUILDKIT_IMAGE = "docker.io/moby/buildkit:v0.33.0-rootless"
AWS_CLI_IMAGE = "public.ecr.aws/aws-cli/aws-cli:2.36.46"
PYTHON_IMAGE = "public.ecr.aws/docker/library/python:3.13.9-slim-bookworm"
TENSORBOARD_IMAGE = "docker.io/tensorflow/tensorflow:2.20.0"
"""The last of TensorFlow's images that has TensorBoard: 2.21 dropped it. TensorBoard has none of its own."""

KARPENTER_CHART = Chart("karpenter", "oci://public.ecr.aws/karpenter/karpenter", "1.14.1")
KARPENTER_CRD_CHART = Chart("karpenter-crd", "oci://public.ecr.aws/karpenter/karpenter-crd", KARPENTER_CHART.version)
AUTOSCALER_CHART = Chart("cluster-autoscaler", "https://kubernetes.github.io/autoscaler", "9.59.0")
"""Of cluster-autoscaler 1.35.0, which goes with Kubernetes 1.35; newest in the project's repository of 2026-08-22."""
