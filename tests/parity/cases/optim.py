"""Optimizers step by step, and schedulers: parameters, states and rates as PyTorch's become."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.parity.case import Array, Case, exactly, normal

STEPS = 6


def steps(T: Any, optimizer: str, start: Any, gradients: Any, options: dict[str, Any]) -> Any:
    """A matrix and a vector after each of some steps, and the state at the end; the vector has no
    gradient in the second step."""
    params = [start.detach().clone().requires_grad_(), start[0].detach().clone().requires_grad_()]
    made = getattr(T.optim, optimizer)(params[:1] if optimizer == "Muon" else params, **options)
    history = []
    for number, gradient in enumerate(gradients.unbind()):
        params[0].grad = gradient
        params[1].grad = None if number == 1 else gradient[1].clone()
        made.step()
        history.append([param.detach().clone() for param in params])
    return history, [evened(entry, start) for entry in made.state_dict()["state"].values()]


def evened(entry: dict[str, Any], like: Any) -> dict[str, Any]:
    """A state whose numbers are as wide as parameters, as they are here and not in PyTorch. Its SGD
    counts no steps."""
    counted = "momentum_buffer" not in entry or "square_avg" in entry
    return {
        name: value if value.ndim else value.to(like.dtype)
        for name, value in entry.items()
        if counted or name != "step"
    }


# PyTorch keeps numbers a parameter in float32
SINGLE = {"NAdam": 1e-6, "ASGD": 1e-6}


def row(optimizer: str, label: str = "", rtol: float = 0.0, **options: Any) -> Case:
    return Case(
        f"{optimizer}{', ' * bool(label)}{label}",
        lambda T, a, b: steps(T, optimizer, a, b, options),
        [normal(4, 3), normal(STEPS, 4, 3)],
        0,
        ("float64", "float32"),
        rtol=rtol or SINGLE.get(optimizer, 0.0),
    )


def quadratic(T: Any, start: Any, options: dict[str, Any]) -> Any:
    """What LBFGS makes of Rosenbrock's valley."""
    x = start.detach().clone().requires_grad_()
    optimizer = T.optim.LBFGS([x], **options)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = ((1 - x[0]) ** 2 + 10 * (x[1] - x[0] ** 2) ** 2).sum()
        loss.backward()
        return loss

    losses = [optimizer.step(closure).detach() for _ in range(4)]
    state = optimizer.state_dict()["state"][0]
    return [*losses, x.detach(), state["n_iter"], state["func_evals"]]


def lbfgs(label: str, **options: Any) -> Case:
    return Case(
        f"LBFGS, {label}",
        lambda T, x: quadratic(T, x, options),
        [exactly([-0.5, 0.8])],
        0,
        ("float64",),
        rtol=1e-5,
    )


OPTIMIZERS = [
    row("SGD"),
    row("SGD", "momentum", momentum=0.9, dampening=0.3, weight_decay=0.1),
    row("SGD", "nesterov", momentum=0.8, nesterov=True, maximize=True),
    row("Adam"),
    row("Adam", "amsgrad", amsgrad=True, betas=(0.5, 0.6), weight_decay=0.1, maximize=True),
    row("Adam", "decoupled", lr=0.1, weight_decay=0.1, decoupled_weight_decay=True),
    row("AdamW"),
    row("AdamW", "options", lr=0.1, weight_decay=0.3, amsgrad=True, foreach=False),
    row("NAdam"),
    row("NAdam", "options", lr=0.1, weight_decay=0.1, momentum_decay=0.1, maximize=True),
    row("NAdam", "decoupled", lr=0.1, weight_decay=0.1, decoupled_weight_decay=True),
    row("RAdam"),
    row("RAdam", "options", lr=0.1, betas=(0.9, 0.7), weight_decay=0.1, maximize=True),
    row("RAdam", "decoupled", lr=0.1, weight_decay=0.1, decoupled_weight_decay=True),
    row("RMSprop"),
    row("RMSprop", "options", alpha=0.8, momentum=0.7, weight_decay=0.1, maximize=True),
    row("RMSprop", "centered", centered=True, momentum=0.5, eps=1e-3),
    row("Adagrad"),
    row("Adagrad", "options", lr_decay=0.3, weight_decay=0.1, initial_accumulator_value=0.5),
    row("Adadelta"),
    row("Adadelta", "options", rho=0.7, weight_decay=0.1, maximize=True),
    row("Adamax"),
    row("Adamax", "options", lr=0.1, betas=(0.7, 0.8), weight_decay=0.1, maximize=True),
    row("ASGD"),
    row("ASGD", "options", lambd=0.1, alpha=0.5, t0=2, weight_decay=0.1, maximize=True),
    row("Rprop"),
    row("Rprop", "options", lr=0.5, etas=(0.3, 1.7), step_sizes=(0.1, 0.7), maximize=True),
    row("Adafactor"),
    row("Adafactor", "options", lr=1.0, beta2_decay=-0.3, eps=(1e-3, 0.1), weight_decay=0.1),
    # PyTorch iterates in bfloat16
    Case("Muon", lambda T, a, b: steps(T, "Muon", a, b, {"lr": 0.01})[0][-1][0],
         [normal(4, 3), normal(STEPS, 4, 3)], 0, rtol=2e-3, atol=2e-3),
    Case("Muon, options", lambda T, a, b: steps(T, "Muon", a, b, {
        "lr": 0.01, "nesterov": False, "adjust_lr_fn": "match_rms_adamw"})[0][-1][0],
         [normal(3, 5), normal(STEPS, 3, 5)], 0, rtol=2e-3, atol=2e-3),
    lbfgs("plain", lr=0.1, max_iter=5),
    lbfgs("strong Wolfe", line_search_fn="strong_wolfe"),
    lbfgs("short history", line_search_fn="strong_wolfe", history_size=2, max_iter=4, max_eval=9),
]  # fmt: skip


# -- schedulers ------------------------------------------------------------------------------------


def groups(T: Any, kind: str = "SGD") -> Any:
    params = [T.ones(2, requires_grad=True), T.ones(3, requires_grad=True)]
    options = {"momentum": 0.9} if kind == "SGD" else {}
    rows = [{"params": params[:1], "lr": 0.5}, {"params": params[1:]}]
    return getattr(T.optim, kind)(rows, lr=0.2, **options)


def rates(optimizer: Any, scheduler: Any, count: int = 14, measure: Any = None) -> Array:
    """The rates of two groups, and the momenta, after each step."""
    found = []
    for number in range(count):
        found.append([
            *[float(rate) for rate in scheduler.get_last_lr()],
            *[float(g["lr"]) for g in optimizer.param_groups],
            *[float(g["betas"][0] if "betas" in g else g["momentum"])
              for g in optimizer.param_groups],
        ])  # fmt: skip
        optimizer.step()
        scheduler.step(*([] if measure is None else [measure[number]]))
    return np.array(found)


def schedule(name: str, label: str = "", **options: Any) -> Case:
    def call(T: Any) -> Array:
        optimizer = groups(T)
        return rates(optimizer, getattr(T.optim.lr_scheduler, name)(optimizer, **options))

    return bare(f"{name}{', ' * bool(label)}{label}", call)


def combined(T: Any, kind: str) -> Array:
    S = T.optim.lr_scheduler
    optimizer = groups(T)
    parts = [S.ConstantLR(optimizer, factor=0.1, total_iters=3), S.ExponentialLR(optimizer, 0.9),
             S.CosineAnnealingLR(optimizer, 6)]  # fmt: skip
    if kind == "chained":
        return rates(optimizer, S.ChainedScheduler(parts[:2]))
    return rates(optimizer, S.SequentialLR(optimizer, parts, milestones=[4, 8]))


def plateau(T: Any, **options: Any) -> Array:
    optimizer = groups(T)
    measure = [1.0, 0.9, 0.95, 0.95, 0.9, 0.899, 0.9, 0.9, 0.95, 0.9, 0.9, 0.5, 0.5, 0.5]
    return rates(
        optimizer, T.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **options), 14, measure
    )


def jumps(T: Any, name: str, *epochs: float, **options: Any) -> Array:
    optimizer = groups(T)
    scheduler = getattr(T.optim.lr_scheduler, name)(optimizer, **options)
    found = []
    for epoch in epochs:
        optimizer.step()
        scheduler.step(epoch)
        found.append([float(rate) for rate in scheduler.get_last_lr()])
    return np.array(found)


def resumed(T: Any) -> Array:
    """Rates of a scheduler whose state was loaded into a new one."""
    found = []
    optimizer = groups(T)
    scheduler = T.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)
    rates(optimizer, scheduler, 4)
    again = groups(T)
    other = T.optim.lr_scheduler.CosineAnnealingLR(again, 99)
    other.load_state_dict(scheduler.state_dict())
    again.load_state_dict(optimizer.state_dict())
    found.append(rates(again, other, 5))
    late = groups(T)
    late.load_state_dict(optimizer.state_dict())
    found.append(rates(late, T.optim.lr_scheduler.StepLR(late, 3, last_epoch=4), 5))
    return np.concatenate(found)


def cycle(T: Any, kind: str, name: str, **options: Any) -> Array:
    optimizer = groups(T, kind)
    return rates(optimizer, getattr(T.optim.lr_scheduler, name)(optimizer, **options))


def averaged(T: Any, weights: Any, biases: Any, kind: str) -> Any:
    """An averaged model after each of several models, and its buffers."""
    swa = T.optim.swa_utils
    ways = {"mean": {}, "buffers": {"use_buffers": True},
            "own": {"avg_fn": lambda a, p, n: (a * n + p) / (n + 2)},
            "ema": {"multi_avg_fn": swa.get_ema_multi_avg_fn(0.8)},
            "ema one": {"avg_fn": swa.get_ema_avg_fn(0.7)},
            "multi": {"multi_avg_fn": swa.get_swa_multi_avg_fn()}}  # fmt: skip
    model = T.nn.Sequential(T.nn.Linear(3, 3), T.nn.BatchNorm2d(3))
    found, made = [], None
    for weight, bias in zip(weights.unbind(), biases.unbind(), strict=True):
        with T.no_grad():
            model[0].weight.copy_(weight)
            model[0].bias.copy_(bias)
            model[1].running_mean.copy_(bias * 2)
        made = made or swa.AveragedModel(model, **ways[kind])
        made.update_parameters(model)
        found.append({k: v.clone() for k, v in made.state_dict().items()})
    return found


def batch_norms(T: Any, batches: Any) -> Any:
    """Running statistics that are computed anew."""
    model = T.nn.Sequential(T.nn.BatchNorm2d(2), T.nn.BatchNorm2d(2, momentum=0.3))
    model.eval()
    T.optim.swa_utils.update_bn([(batch, None) for batch in batches.unbind()], model)
    return [model.state_dict(), model[1].momentum, model.training]


SWA = [
    *[Case(f"AveragedModel, {kind}", lambda T, a, b, k=kind: averaged(T, a, b, k),
           [normal(4, 3, 3), normal(4, 3)], 0)
      for kind in ("mean", "buffers", "own", "ema", "ema one", "multi")],
    Case("update_bn", batch_norms, [normal(3, 5, 2, 2, 2)], 0),
]  # fmt: skip


def swalr(T: Any, **options: Any) -> Array:
    optimizer = groups(T)
    return rates(optimizer, T.optim.swa_utils.SWALR(optimizer, **options))


def bare(label: str, call: Any) -> Case:
    return Case(label, lambda T: T.from_numpy(call(T)), order=0)


SCHEDULERS = [
    schedule("LambdaLR", lr_lambda=[lambda e: 0.9**e, lambda e: 1 / (1 + e)]),
    schedule("MultiplicativeLR", lr_lambda=lambda e: 1 / (1 + e)),
    schedule("StepLR", step_size=3),
    schedule("StepLR", "gamma", step_size=2, gamma=0.7),
    schedule("MultiStepLR", milestones=[2, 5, 5, 9], gamma=0.5),
    schedule("ConstantLR", factor=0.25, total_iters=4),
    schedule("LinearLR"),
    schedule("LinearLR", "down", start_factor=1.0, end_factor=0.2, total_iters=7),
    schedule("ExponentialLR", gamma=0.8),
    schedule("PolynomialLR"),
    schedule("PolynomialLR", "power", total_iters=9, power=2.5),
    schedule("CosineAnnealingLR", T_max=5),
    schedule("CosineAnnealingLR", "eta_min", T_max=4, eta_min=0.05),
    schedule("CosineAnnealingWarmRestarts", T_0=4),
    schedule("CosineAnnealingWarmRestarts", "T_mult", T_0=2, T_mult=2, eta_min=0.01),
    schedule("CyclicLR", base_lr=0.1, max_lr=[0.5, 0.8], step_size_up=3),
    schedule("CyclicLR", "triangular2", base_lr=0.1, max_lr=0.5, step_size_up=2,
             step_size_down=4, mode="triangular2", base_momentum=0.6, max_momentum=0.95),
    schedule("CyclicLR", "exp_range", base_lr=0.1, max_lr=0.5, step_size_up=3, mode="exp_range",
             gamma=0.9, cycle_momentum=False),
    schedule("CyclicLR", "scale_fn", base_lr=0.1, max_lr=0.5, step_size_up=3,
             scale_fn=lambda x: 1 / x, scale_mode="cycle"),
    bare("CyclicLR, Adam", lambda T: cycle(T, "Adam", "CyclicLR", base_lr=0.1, max_lr=0.5,
                                           step_size_up=3)),
    schedule("OneCycleLR", max_lr=1.0, total_steps=15),
    schedule("OneCycleLR", "three phases", max_lr=[1.0, 0.5], epochs=4, steps_per_epoch=4,
             three_phase=True, anneal_strategy="linear", pct_start=0.4),
    bare("OneCycleLR, Adam", lambda T: cycle(T, "Adam", "OneCycleLR", max_lr=1.0, total_steps=20)),
    bare("ChainedScheduler", lambda T: combined(T, "chained")),
    bare("SequentialLR", lambda T: combined(T, "sequential")),
    bare("ReduceLROnPlateau", lambda T: plateau(T, patience=2, factor=0.5)),
    bare("ReduceLROnPlateau, options", lambda T: plateau(
        T, patience=1, factor=0.3, threshold=0.02, threshold_mode="abs", cooldown=2,
        min_lr=[0.05, 0.01])),
    bare("ReduceLROnPlateau, max", lambda T: plateau(T, mode="max", patience=1, threshold=0.01)),
    bare("SWALR", lambda T: swalr(T, swa_lr=0.05)),
    bare("SWALR, linear", lambda T: swalr(
        T, swa_lr=[0.05, 0.6], anneal_epochs=4, anneal_strategy="linear")),
    bare("SWALR, at once", lambda T: swalr(T, swa_lr=0.05, anneal_epochs=0)),
    bare("StepLR, jumps", lambda T: jumps(T, "StepLR", 5, 2, 9, step_size=3)),
    bare("MultiStepLR, jumps", lambda T: jumps(T, "MultiStepLR", 5, 2, 9, milestones=[3, 5, 5])),
    bare("CosineAnnealingWarmRestarts, jumps", lambda T: jumps(
        T, "CosineAnnealingWarmRestarts", 0.5, 3.25, 9.5, 1, T_0=2, T_mult=2)),
    bare("schedulers, resumed", resumed),
]  # fmt: skip

CASES = [*OPTIMIZERS, *SWA, *SCHEDULERS]
