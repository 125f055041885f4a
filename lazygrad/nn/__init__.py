"""Layers and models: ``Module`` and what is built on it, with torch.nn's names and arguments."""

from lazygrad.nn import init
from lazygrad.nn.activation import GELU, LogSoftmax, ReLU, Sigmoid, Softmax, Tanh
from lazygrad.nn.containers import ModuleList, Sequential
from lazygrad.nn.conv import Conv2d
from lazygrad.nn.dropout import Dropout
from lazygrad.nn.embedding import Embedding
from lazygrad.nn.flatten import Flatten
from lazygrad.nn.linear import Identity, Linear
from lazygrad.nn.loading import LoadReport
from lazygrad.nn.loss import CrossEntropyLoss
from lazygrad.nn.module import Module
from lazygrad.nn.norm import BatchNorm2d, LayerNorm
from lazygrad.nn.parameter import Parameter
from lazygrad.nn.pooling import AvgPool2d, MaxPool2d
from lazygrad.nn.state import load_state, save_state

__all__ = [
    "init", "Module", "Parameter", "Sequential", "ModuleList", "LoadReport",
    "Linear", "Identity", "Conv2d", "MaxPool2d", "AvgPool2d", "Flatten", "Embedding",
    "BatchNorm2d", "LayerNorm", "Dropout",
    "ReLU", "GELU", "Sigmoid", "Tanh", "Softmax", "LogSoftmax", "CrossEntropyLoss",
    "load_state", "save_state",
]  # fmt: skip
