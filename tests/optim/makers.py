"""Every optimizer, with options that use all of its state."""

from lazygrad import optim

MAKERS = {
    "SGD": lambda params: optim.SGD(params, lr=0.1),
    "momentum": lambda params: optim.SGD(params, lr=0.1, momentum=0.9, dampening=0.1),
    "Adam": lambda params: optim.Adam(params, lr=0.1, amsgrad=True),
    "AdamW": lambda params: optim.AdamW(params, lr=0.1),
    "NAdam": lambda params: optim.NAdam(params, lr=0.1),
    "RAdam": lambda params: optim.RAdam(params, lr=0.1, betas=(0.9, 0.99)),
    "RMSprop": lambda params: optim.RMSprop(params, lr=0.1, momentum=0.5, centered=True, eps=0.1),
    "Adagrad": lambda params: optim.Adagrad(params, lr=0.5, lr_decay=0.01),
    "Adadelta": lambda params: optim.Adadelta(params, lr=5.0, eps=1e-3),
    "Adamax": lambda params: optim.Adamax(params, lr=0.1),
    "ASGD": lambda params: optim.ASGD(params, lr=0.1, t0=3),
    "Rprop": lambda params: optim.Rprop(params, lr=0.1),
    "Lion": lambda params: optim.Lion(params, lr=0.05, betas=(0.8, 0.9), weight_decay=0.1),
    "LAMB": lambda params: optim.LAMB(params, lr=0.05, weight_decay=0.1),
    "Adafactor": lambda params: optim.Adafactor(params, lr=0.3),
}
