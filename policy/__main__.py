"""The policy pack. The rules themselves know nothing of Pulumi: the tests hold recorded stacks to them as well."""

import sys
from pathlib import Path

from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

# the engine starts the pack from its own folder
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from policy import aws_rules, iam_rules, pod_rules
from policy.rule import Resource, Rule, StackRule


def of_resource(rule: Rule) -> ResourceValidationPolicy:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        for sentence in rule.wrong(args.resource_type, args.props):
            report(sentence, None)

    return ResourceValidationPolicy(name=rule.name, description=rule.says, validate=validate)


def of_stack(rule: StackRule) -> StackValidationPolicy:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        resources = [
            Resource(
                urn=one.urn,
                type=one.resource_type,
                name=one.name,
                props=one.props,
                made_from=frozenset(source.urn for sources in one.property_dependencies.values() for source in sources),
            )
            for one in args.resources
        ]
        for urn, sentence in rule.check(resources):
            report(sentence, urn)

    return StackValidationPolicy(name=rule.name, description=rule.says, validate=validate)


PolicyPack(
    name="trainyard",
    enforcement_level=EnforcementLevel.MANDATORY,
    policies=[
        *(of_resource(rule) for rule in (*aws_rules.RULES, *iam_rules.RULES, *pod_rules.RULES)),
        *(of_stack(rule) for rule in aws_rules.STACK_RULES),
    ],
)
