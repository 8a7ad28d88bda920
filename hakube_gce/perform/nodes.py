"""Worker nodes: their template, groups and routes. No call is made for a single node."""

from dataclasses import replace
from typing import assert_never

from hakube_gce import marks, names
from hakube_gce.node_startup import NodeStartup, startup_script
from hakube_gce.node_steps import (
    AwaitNodeGroup,
    CreateNodeGroup,
    CreateNodeTemplate,
    DeleteNodeGroup,
    DeleteNodeTemplate,
    DeleteRoute,
    NodeStep,
)
from hakube_gce.perform.context import Context
from hakube_gce.perform.group_wait import await_group
from hakube_gce.perform.handover import cluster_keys


def perform_node_step(context: Context, key: str, step: NodeStep) -> None:
    """Make a step's statement true."""
    nodes = context.gateway.nodes
    match step:
        case CreateNodeTemplate(spec=spec):
            nodes.insert_template(
                replace(spec, metadata={**spec.metadata, **_startup(context)}),
                request_id=context.request_id(key, "insert"),
            )
        case CreateNodeGroup():
            _create_group(context, key, step)
        case AwaitNodeGroup():
            await_group(context, step)
        case DeleteNodeGroup(zone=zone, name=name):
            nodes.delete_group(zone, name, request_id=context.request_id(key, "delete"))
        case DeleteNodeTemplate(name=name):
            nodes.delete_template(name, request_id=context.request_id(key, "delete"))
        case DeleteRoute(name=name):
            nodes.delete_route(name, request_id=context.request_id(key, "delete"))
        case _:
            assert_never(step)


def _startup(context: Context) -> dict[str, str]:
    """Write what a node's VM does at its boot: where it joins, and whom it believes there."""
    authority = cluster_keys(context, founder=False).cluster.certificate
    node = NodeStartup(
        cluster_ip=context.cluster_ip(),
        api_port=context.blueprint.api_port,
        authority=authority,
        labels=context.blueprint.nodes.labels,
    )
    return {"startup-script": startup_script(node)}


def _create_group(context: Context, key: str, step: CreateNodeGroup) -> None:
    context.gateway.nodes.insert_group(
        step.zone,
        step.name,
        template=names.node_template(context.blueprint.prefix),
        size=step.size,
        description=marks.mark_description(context.mark),
        request_id=context.request_id(key, "insert"),
    )
