"""Who must be there first, and so goes last: a destroy takes a stack apart against its dependencies."""

from collections.abc import Callable, Iterator

from stacks.recorder import Recorded

from .model import CHARTS, Graph, Pods

FSX_DRIVER = "fsx.csi.aws.com"
FSX_ADDON = "aws-fsx-csi-driver"
STARTERS = ("karpenter", "cluster-autoscaler")
"""Charts whose pods start nodes, and take them away."""
BEFORE_NODES = ("vpc-cni", "kube-proxy")
ON_CORE = ("core",)


def _missing(graph: Graph, one: Recorded, others: list[Recorded], why: str) -> Iterator[str]:
    before = graph.before(one.urn)
    for other in others:
        if other.urn not in before:
            yield f"{one.name} does not wait for {other.name}: {why}"


def _pools(graph: Graph) -> list[Recorded]:
    """What brings nodes for a recipe's pods."""
    return [*graph.all("NodePool"), *(one for one in _groups(graph) if not one.inputs["scalingConfig"]["minSize"])]


def _groups(graph: Graph) -> list[Recorded]:
    return graph.all("aws:eks/nodeGroup:NodeGroup")


def _starters(graph: Graph) -> list[Recorded]:
    return [one for one in graph.all(*CHARTS) if one.inputs["name"] in STARTERS]


def _is_for_recipes(graph: Graph, pods: Pods) -> bool:
    namespaces = {one.inputs["metadata"]["namespace"] for one in graph.named("ResourceQuota").values()}
    return pods.namespace in namespaces


def workloads_go_before_their_nodes(graph: Graph) -> Iterator[str]:
    for pods in graph.pods:
        if _is_for_recipes(graph, pods):
            yield from _missing(graph, pods.by, _pools(graph), "its pods would be left on nodes that go")


def nodes_go_before_who_takes_them_away(graph: Graph) -> Iterator[str]:
    """Karpenter sees to the finalizers of its objects; managed groups go by themselves, their pods do not."""
    controllers = [one for one in _starters(graph) if one.inputs["name"] == "karpenter"]
    for one in graph.all("NodePool", "EC2NodeClass"):
        yield from _missing(graph, one, controllers, "its finalizers would never be seen to")
        if not controllers:
            yield f"{one.name}: there is no controller"
    classes = graph.named("EC2NodeClass")
    for pool in graph.all("NodePool"):
        name = pool.inputs["spec"]["template"]["spec"]["nodeClassRef"]["name"]
        if name not in classes:
            yield f"{pool.name}: there is no EC2NodeClass {name}"
        else:
            yield from _missing(graph, pool, [classes[name]], "nodes are made of it")


def recipes_go_before_who_scales(graph: Graph) -> Iterator[str]:
    for pods in graph.pods:
        if _is_for_recipes(graph, pods):
            yield from _missing(graph, pods.by, _starters(graph), "nobody would take its nodes away")


def controllers_go_before_their_machines(graph: Graph) -> Iterator[str]:
    core = [one for one in _groups(graph) if one.inputs["scalingConfig"]["minSize"]]
    for controller in _starters(graph):
        yield from _missing(graph, controller, core, "it runs there")


def definitions_are_there_first(graph: Graph) -> Iterator[str]:
    definitions = [one for one in graph.all(*CHARTS) if one.inputs["name"].endswith("-crd")]
    for controller in (one for one in _starters(graph) if one.inputs["name"] == "karpenter"):
        yield from _missing(graph, controller, definitions, "its kinds would not be there")
    monitors = [one for one in graph.all(*CHARTS) if one.inputs["name"] == "kube-prometheus-stack"]
    for one in graph.all("PodMonitor", "ServiceMonitor"):
        yield from _missing(graph, one, monitors, "its kind would not be there")
        if not monitors:
            yield f"{one.name}: nothing brings its kind"


def interruptions_are_heard(graph: Graph) -> Iterator[str]:
    queues = {one.urn: one for one in graph.all("aws:sqs/queue:Queue")}
    for controller in (one for one in _starters(graph) if one.inputs["name"] == "karpenter"):
        yield from _missing(graph, controller, list(queues.values()), "it listens to it")
        if not controller.inputs["values"]["settings"].get("interruptionQueue"):
            yield f"{controller.name} listens to no queue"


def rights_are_there_first(graph: Graph) -> Iterator[str]:
    """A pod that starts before its role's association gets no credentials; one that outlives it can do nothing."""
    for association in graph.all("aws:eks/podIdentityAssociation:PodIdentityAssociation"):
        namespace, account = association.inputs["namespace"], association.inputs["serviceAccount"]
        users = [*_charts_as(graph, namespace, account), *_pods_as(graph, namespace, account)]
        needed = [association, *_policies(graph, association)]
        for user in users:
            yield from _missing(graph, user, needed, f"it acts as {account}")
        if not users:
            yield f"nothing acts as {account} in {namespace}"


def _charts_as(graph: Graph, namespace: str, account: str) -> list[Recorded]:
    def named(one: Recorded) -> set[str]:
        values = one.inputs.get("values", {})
        places = (values, values.get("rbac", {}))
        return {place.get("serviceAccount", {}).get("name", "") for place in places}

    return [one for one in graph.all(*CHARTS) if one.inputs.get("namespace") == namespace and account in named(one)]


def _pods_as(graph: Graph, namespace: str, account: str) -> list[Recorded]:
    return [
        pods.by for pods in graph.pods if (pods.namespace, pods.spec.get("serviceAccountName")) == (namespace, account)
    ]


def _policies(graph: Graph, user: Recorded) -> list[Recorded]:
    """What the role, or roles, that a resource is made from may do."""
    roles = {urn for urn in user.depends_on if urn in graph.by_urn and graph.by_urn[urn].type == "aws:iam/role:Role"}
    kinds = ("aws:iam/rolePolicy:RolePolicy", "aws:iam/rolePolicyAttachment:RolePolicyAttachment")
    return [one for one in graph.all(*kinds) if roles & set(one.depends_on)]


def nodes_can_join(graph: Graph) -> Iterator[str]:
    """No node becomes ready without network add-ons and its role's rights, or reaches anything without a route."""
    addons = [one for one in graph.all("aws:eks/addon:Addon") if one.inputs["addonName"] in BEFORE_NODES]
    routes = graph.all("aws:ec2/routeTableAssociation:RouteTableAssociation")
    for nodes in [*_groups(graph), *graph.all("EC2NodeClass")]:
        yield from _missing(graph, nodes, addons, "its nodes would stay unready")
        yield from _missing(graph, nodes, _policies(graph, nodes), "its nodes could not join")
        subnets = {urn for urn in nodes.depends_on if urn in graph.by_urn and "subnet:Subnet" in graph.by_urn[urn].type}
        own = [one for one in routes if subnets & set(one.depends_on)]
        yield from _missing(graph, nodes, own, "its nodes could reach nothing")
    if _groups(graph) and len(addons) < len(BEFORE_NODES):
        yield f"one of {BEFORE_NODES} is not there"


def volumes_go_after_their_pods(graph: Graph) -> Iterator[str]:
    """The driver unmounts what pods leave: a pod that outlives it hangs, and so does its node."""
    drivers = [one for one in graph.all("aws:eks/addon:Addon") if one.inputs["addonName"] == FSX_ADDON]
    of_fsx = [
        one.inputs["spec"]["claimRef"]["name"]
        for one in graph.all("PersistentVolume")
        if one.inputs["spec"].get("csi", {}).get("driver") == FSX_DRIVER
    ]
    for pods in graph.pods:
        for volume in pods.volumes:
            if volume.get("persistentVolumeClaim", {}).get("claimName") in of_fsx:
                yield from _missing(graph, pods.by, drivers, "it mounts the shared volume")
                if not drivers:
                    yield f"{pods}: there is no driver for the shared volume"


RULES: tuple[Callable[[Graph], Iterator[str]], ...] = (
    workloads_go_before_their_nodes,
    nodes_go_before_who_takes_them_away,
    recipes_go_before_who_scales,
    controllers_go_before_their_machines,
    definitions_are_there_first,
    interruptions_are_heard,
    rights_are_there_first,
    nodes_can_join,
    volumes_go_after_their_pods,
)
