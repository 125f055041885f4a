"""Every exception that lazygrad raises on purpose, and what it warns of by a name.

Each also derives from the built-in exception that PyTorch or Python users would catch. Messages
name the op, the values given, and the way out.
"""


class LazygradError(Exception):
    """Base class of all errors raised by lazygrad."""


class ShapeError(LazygradError, ValueError):
    """Shapes that do not fit the operation."""


class MaskError(ShapeError, IndexError):
    """A mask that does not fit the dims that it stands for."""


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


class UnknownDeviceError(DeviceError):
    """A name that is no device's."""


class DeviceMismatchError(DeviceError):
    """Operands of one operation that are on different devices."""


class GradError(LazygradError, RuntimeError):
    """A derivative that was asked for where there is none."""


class LinAlgError(LazygradError, RuntimeError):
    """A matrix that has no such result: singular, not positive definite, not finite."""


class ConvergenceError(LazygradError, ArithmeticError):
    """An iteration that does not come to a solution.

    Attributes:
        residual: how far from one it was in the end.
        iterations: how many it did.
    """

    def __init__(self, message: str, residual: float, iterations: int) -> None:
        super().__init__(message)
        self.residual, self.iterations = residual, iterations


class NotFiniteError(LazygradError, FloatingPointError):
    """A NaN or an infinity that ``LAZYGRAD_CHECK=nan`` found, or what stands for one."""


class WriteError(LazygradError, RuntimeError):
    """A write that would be lost."""


class SharingError(LazygradError, ValueError, BufferError):
    """Memory that was to be shared, where there is only a copy."""


class ModuleError(LazygradError, AttributeError):
    """A Module that is put together in a way in which it would not work."""


class JitError(LazygradError, RuntimeError):
    """Something that a jitted function cannot do."""


class VmapError(LazygradError, RuntimeError):
    """Something that a function cannot do while it is mapped over samples."""


class ConfigError(LazygradError, ValueError):
    """An unknown or malformed setting."""


class DataError(LazygradError, ValueError):
    """A data set file that is missing, damaged or not what it claims to be."""


class CheckpointError(LazygradError, ValueError):
    """A checkpoint that is damaged or does not fit the model."""


class OnnxError(LazygradError, NotImplementedError):
    """A model file that is damaged, or has something that is not here."""


class MissingExtraError(LazygradError, ImportError):
    """An optional library that is not installed."""


class OverrideError(LazygradError, RuntimeError):
    """A kernel that somebody has changed, and that computes something else now, or nothing."""


class KernelCountError(LazygradError, AssertionError):
    """More or fewer kernels than ``expect_kernels`` expects."""


class InternalError(LazygradError, RuntimeError):
    """A stage handed over something malformed: a defect of lazygrad, please report it."""


class PlanWarning(RuntimeWarning):
    """A line of a program that makes plan after plan, where one could do."""


class MissingNameError(LazygradError, AttributeError):
    """A name that is not here; the message says what to use instead, or why."""
