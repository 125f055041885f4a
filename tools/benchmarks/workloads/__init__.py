"""The workloads, in the order in which they are reported; one module for each family."""

from ..workload import Workload
from . import chain, cnn, contraction, mlp, normalise, reduction, resnet, transformer

WORKLOADS: dict[str, Workload] = {
    workload.name: workload
    for module in (cnn, resnet, transformer, mlp, chain, normalise, reduction, contraction)
    for workload in module.WORKLOADS
}
