"""Every exception that lazygrad raises on purpose.

Each also derives from the built-in exception that PyTorch or Python users would catch. Messages
name the op, the values given, and the way out.
"""


class LazygradError(Exception):
    """Base class of all errors raised by lazygrad."""


class ShapeError(LazygradError, ValueError):
    """Shapes that do not fit the operation."""


class ArgumentError(LazygradError, TypeError):
    """An argument of a kind that the function does not take."""


class DtypeError(ArgumentError):
    """A dtype that the operation does not accept."""


class AxisError(LazygradError, IndexError):
    """A dimension or index outside the tensor."""


class ValueRangeError(LazygradError, ValueError):
    """An argument or label outside its allowed values."""


class DeviceError(LazygradError, RuntimeError):
    """A device that is missing, unknown, out of memory, or that failed to compile or run."""


class DeviceMismatchError(DeviceError):
    """Operands of one operation that are on different devices."""


class GradError(LazygradError, RuntimeError):
    """A derivative that was asked for where there is none."""


class WriteError(LazygradError, RuntimeError):
    """A write that would be lost."""


class ModuleError(LazygradError, AttributeError):
    """A Module that is put together in a way in which it would not work."""


class JitError(LazygradError, RuntimeError):
    """Something that a jitted function cannot do."""


class ConfigError(LazygradError, ValueError):
    """An unknown or malformed setting."""


class DataError(LazygradError, ValueError):
    """A data set file that is missing, damaged or not what it claims to be."""


class CheckpointError(LazygradError, ValueError):
    """A checkpoint that is damaged or does not fit the model."""


class MissingExtraError(LazygradError, ImportError):
    """An optional library that is not installed."""


class InternalError(LazygradError, RuntimeError):
    """A stage handed over something malformed: a defect of lazygrad, please report it."""
