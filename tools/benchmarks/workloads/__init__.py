"""The workloads, in the order in which they are reported; one module for each family. Then come
transforms of functions, which not every framework has, programs, whose first steps are timed, and
loops, which are compared with prepared ones."""

from ..workload import Workload
from . import (
    chain,
    cnn,
    contraction,
    dcgan,
    gpt,
    indexed,
    lenet5,
    loops,
    lstm,
    mingpt,
    mlp,
    mobilenet,
    normalise,
    reduction,
    resnet,
    transformer,
    transforms,
    unet,
    vgg,
)

FAMILIES = (
    *(cnn, resnet, vgg, mobilenet, lenet5, transformer, gpt, mlp),
    *(chain, normalise, reduction, contraction, indexed),
)

WORKLOADS: dict[str, Workload] = {
    workload.name: workload for family in FAMILIES for workload in family.WORKLOADS
}

TRANSFORMS: dict[str, Workload] = {row.name: row for row in transforms.TRANSFORMS}
PROGRAMS: dict[str, Workload] = {
    program.name: program for module in (mingpt, dcgan, unet, lstm) for program in module.PROGRAMS
}
LOOPS: dict[str, Workload] = {loop.name: loop for loop in loops.LOOPS}
PREPARED: dict[str, Workload] = {loop.name: loop for loop in loops.PREPARED}

BESIDE: dict[str, Workload] = {row.name + transforms.GRADIENT: row for row in transforms.BESIDE}
EVERYTHING = {**WORKLOADS, **TRANSFORMS, **BESIDE, **PROGRAMS, **LOOPS, **PREPARED}
FIRST_STEPS = ("cnn_train", "resnet18", *PROGRAMS)  # whose first two steps are timed
