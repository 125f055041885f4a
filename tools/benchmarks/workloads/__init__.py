"""The workloads, in the order in which they are reported; one module for each family."""

from ..workload import Workload
from . import (
    chain,
    cnn,
    contraction,
    gpt,
    indexed,
    lenet5,
    mlp,
    mobilenet,
    normalise,
    reduction,
    resnet,
    transformer,
    vgg,
)

FAMILIES = (
    *(cnn, resnet, vgg, mobilenet, lenet5, transformer, gpt, mlp),
    *(chain, normalise, reduction, contraction, indexed),
)

WORKLOADS: dict[str, Workload] = {
    workload.name: workload for family in FAMILIES for workload in family.WORKLOADS
}
