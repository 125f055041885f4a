"""torch.optim's update formulas, written down again in float64 NumPy, one parameter at a time."""

import numpy as np


def sgd(
    params,
    grads_by_step,
    lr,
    momentum=0.0,
    dampening=0.0,
    weight_decay=0.0,
    nesterov=False,
    maximize=False,
):
    """The parameters after each step; a gradient of None leaves its parameter alone."""
    params = [np.array(p, np.float64) for p in params]
    buffers = [None] * len(params)
    history = []
    for step, grads in enumerate(grads_by_step):
        rate = lr(step) if callable(lr) else lr
        for i, grad in enumerate(grads):
            if grad is None:
                continue
            g = -grad if maximize else grad
            g = g + weight_decay * params[i]
            if momentum:
                first = buffers[i] is None
                buffers[i] = g if first else momentum * buffers[i] + (1 - dampening) * g
                g = g + momentum * buffers[i] if nesterov else buffers[i]
            params[i] = params[i] - rate * g
        history.append([p.copy() for p in params])
    return history


def adam(
    params,
    grads_by_step,
    lr,
    betas=(0.9, 0.999),
    eps=1e-8,
    weight_decay=0.0,
    amsgrad=False,
    maximize=False,
    decoupled=False,
):
    """The parameters after each step; a gradient of None leaves its parameter alone."""
    params = [np.array(p, np.float64) for p in params]
    means = [np.zeros_like(p) for p in params]
    squares = [np.zeros_like(p) for p in params]
    largest = [np.zeros_like(p) for p in params]
    counts = [0] * len(params)
    history = []
    for step, grads in enumerate(grads_by_step):
        rate = lr(step) if callable(lr) else lr
        for i, grad in enumerate(grads):
            if grad is None:
                continue
            g = -grad if maximize else grad
            counts[i] += 1
            if decoupled:
                params[i] = params[i] * (1 - rate * weight_decay)
            else:
                g = g + weight_decay * params[i]
            means[i] = betas[0] * means[i] + (1 - betas[0]) * g
            squares[i] = betas[1] * squares[i] + (1 - betas[1]) * g * g
            square = squares[i]
            if amsgrad:
                largest[i] = square = np.maximum(largest[i], square)
            denominator = np.sqrt(square) / np.sqrt(1 - betas[1] ** counts[i]) + eps
            params[i] = params[i] - rate / (1 - betas[0] ** counts[i]) * means[i] / denominator
        history.append([p.copy() for p in params])
    return history
