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


def lion(params, grads_by_step, lr, betas=(0.9, 0.99), weight_decay=0.0, maximize=False):
    """The parameters after each step (Chen et al., 2023, program 1)."""
    params = [np.array(p, np.float64) for p in params]
    means = [np.zeros_like(p) for p in params]
    history = []
    for grads in grads_by_step:
        for i, grad in enumerate(grads):
            g = -grad if maximize else grad
            update = np.sign(betas[0] * means[i] + (1 - betas[0]) * g)
            params[i] = params[i] - lr * (update + weight_decay * params[i])
            means[i] = betas[1] * means[i] + (1 - betas[1]) * g
        history.append([p.copy() for p in params])
    return history


def lamb(params, grads_by_step, lr, betas=(0.9, 0.999), eps=1e-6, weight_decay=0.0, maximize=False):
    """The parameters after each step (You et al., 2020, algorithm 2, with phi(z) = z)."""
    params = [np.array(p, np.float64) for p in params]
    means = [np.zeros_like(p) for p in params]
    squares = [np.zeros_like(p) for p in params]
    history = []
    for step, grads in enumerate(grads_by_step, 1):
        for i, grad in enumerate(grads):
            g = -grad if maximize else grad
            means[i] = betas[0] * means[i] + (1 - betas[0]) * g
            squares[i] = betas[1] * squares[i] + (1 - betas[1]) * g * g
            root = np.sqrt(squares[i] / (1 - betas[1] ** step))
            r = means[i] / (1 - betas[0] ** step) / (root + eps) + weight_decay * params[i]
            lengths = np.linalg.norm(params[i]), np.linalg.norm(r)
            trust = lengths[0] / lengths[1] if min(lengths) > 0 else 1.0
            params[i] = params[i] - lr * trust * r
        history.append([p.copy() for p in params])
    return history


def muon(params, grads_by_step, lr, momentum=0.95, weight_decay=0.1, nesterov=True):
    """Matrices after each step (Jordan et al., 2024), iterated in float64."""
    params = [np.array(p, np.float64) for p in params]
    means = [np.zeros_like(p) for p in params]
    history = []
    for grads in grads_by_step:
        for i, g in enumerate(grads):
            means[i] = momentum * means[i] + (1 - momentum) * g
            x = momentum * means[i] + (1 - momentum) * g if nesterov else means[i]
            x = x / np.linalg.norm(x)
            for _ in range(5):
                gram = x @ x.T
                x = 3.4445 * x + (-4.775 * gram + 2.0315 * gram @ gram) @ x
            rows, columns = x.shape
            size = lr * np.sqrt(max(1, rows / columns))
            params[i] = params[i] * (1 - lr * weight_decay) - size * x
        history.append([p.copy() for p in params])
    return history
