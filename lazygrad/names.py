"""Names of PyTorch that are not here: what to use instead, or why.

The one table. A name that is looked up in vain answers with its row; a test holds the table against
the package and PyTorch's own list of names, and a page of the docs is made from it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple

from lazygrad.errors import MissingNameError


class Row(NamedTuple):
    """Names, as a pattern of what they are called in full, and what to say of them."""

    pattern: str
    text: str


# Under another name. The first row that fits speaks; ``{name}`` and ``{base}`` stand for the name,
# and for it without its ending.
ELSEWHERE = (
    Row(
        r".*\.as_strided_|"
        r"torch\.nn\.(functional\.)?(Fractional\w+|fractional\w+|\w*[cC]tc\w*|CTCLoss|"
        r"AdaptiveLog\w+|Linear\w+Loss|linear_cross_entropy)|"
        r"torch\.ctc_loss",
        "it is not here yet",
    ),
    Row(r"torch\.Tensor\.is_cpu", "use x.device.type == 'cpu'"),
    Row(r"torch\.to_dlpack", "use x.__dlpack__()"),
    Row(
        r"torch\.linalg\.eig",
        "eigenvalues may be complex, and there are no complex numbers; of symmetric matrices use "
        "eigh",
    ),
    Row(
        r".*\.(geqrf|orgqr|ormqr|householder_product)",
        "use lazygrad.linalg.qr, whose Q is a matrix to multiply with",
    ),
    Row(r".*\.ldl_\w+", "use lazygrad.linalg.cholesky, or lu_factor and lu_solve"),
    Row(r".*\.lobpcg", "use lazygrad.linalg.eigh, and slice what it gives"),
    Row(r"torch\.(BufferDict|ModuleDict|ParameterDict)", "use it from lazygrad.nn"),
    Row(
        r"torch\.(from_file|segment_reduce|histogramdd)",
        "use NumPy on x.numpy(), and from_numpy",
    ),
    Row(
        r"torch\.Tensor\.(register_hook|register_post_accumulate_grad_hook|retain_grad|"
        r"retains_grad|grad_fn)",
        "read derivatives of what is no leaf by lazygrad.autograd.grad(loss, [x])",
    ),
    Row(
        r"torch\.Tensor\.(resize|resize_|resize_as|resize_as_)",
        "a tensor keeps its number of elements; make another one",
    ),
    Row(r"torch\.Tensor\.(apply_|map_|map2_)", "write it with operations of tensors"),
    Row(
        r"torch\.(empty_permuted|empty_strided)|torch\.Tensor\.new_empty_strided",
        "memory is laid out as kernels need it; use empty and permute",
    ),
    Row(
        r"torch\.nn\.Lazy\w+|torch\.nn\.Uninitialized\w+",
        "give the number of input features: it is known where the layer is made",
    ),
    Row(
        r"torch\.nn\.(NLLLoss2d|Container|Buffer|CrossMapLRN2d|RNNBase|RNNCellBase|attention|"
        r"common_types|factory_kwargs|grad|modules)",
        "use NLLLoss, Sequential, register_buffer, LocalResponseNorm, or the layers themselves",
    ),
    Row(r"torch\.optim\.SparseAdam", "derivatives are dense; use Adam"),
    Row(
        r"torch\.special\.(airy|bessel|modified_bessel_k|scaled|zeta|\w+_polynomial)\w*",
        "it is not here yet",
    ),
    Row(
        r"torch\.distributions\.\w+",
        "it is not here yet: there are Bernoulli, Categorical, Normal and Uniform",
    ),
    Row(r"torch\.autograd\.grad(grad)?check", "use lazygrad.testing.check_grads"),
    Row(
        r"torch\.autograd\.\w*(Function|function)|torch\.amp\.custom_\w+",
        "derivatives follow from the operations of tensors; compose those",
    ),
    Row(
        r"torch\.nn\.utils\.(parametriz\w+|stateless)",
        "use weight_norm, spectral_norm, or lazygrad.func.functional_call",
    ),
    Row(
        r"torch\.cuda\.(\w*memory\w*|mem_get_info|MemPool|use_mem_pool|ipc_collect|caching_\w+)",
        "memory belongs to the backend, which takes it and gives it back by itself",
    ),
    Row(
        r"torch\.cuda\.(\w*[sS]tream\w*|Event)",
        "a device does its work in order; use lazygrad.cuda.synchronize()",
    ),
    Row(r"torch\.cuda\.\w*([gG]raph|graphed)\w*", "use lazygrad.jit"),
    Row(
        r"torch\.cuda\.(get_rng_state|set_rng_state|initial_seed|seed|random|default_gen)\w*",
        "use lazygrad.get_rng_state, set_rng_state, seed: devices share one stream of numbers",
    ),
    Row(r"torch\.cuda\.get_device_\w+", "use lazygrad.cuda.get_device_name()"),
    Row(r"torch\.cuda\.\w+Tensor", "use Tensor with dtype= and device="),
    Row(
        r"torch\.nn\.(RNN|LSTM|GRU|MultiheadAttention|Transformer|ModuleDict|Parameter|utils)\w*|"
        r"torch\.nn\.functional\.(grad|multi_head\w+)",
        "it is not here yet",
    ),
)

# What PyTorch's own functions call, and its documentation leaves out; or what it has given up.
BINDINGS = (
    Row(r"torch\.\w+_", "use the method of the tensor: x.{name}()"),
    Row(r"torch\.nn\.(init|utils)\.\w+_(uniform|normal|norm)", "use {name}_"),
    Row(r"torch\.nn\.init\.(uniform|normal|constant|eye|dirac|orthogonal)", "use {name}_"),
    Row(r".*\.(hash_tensor|quasirandom|output_nr|reinforce|index)", "it is PyTorch's own"),
    Row(r"torch\.fill", "use full_like"),
    Row(
        r"torch\.(batch_norm|instance_norm|embedding|embedding_bag|alpha_dropout|feature_\w+|"
        r"\w+_loss|kl_div|binary_cross_entropy_with_logits|constant_pad_nd|grid_sampler\w*|"
        r"affine_grid_generator|adaptive_max_pool1d)",
        "use it from lazygrad.nn.functional, whose arguments are for people",
    ),
    Row(r"torch\.(lstm|gru|rnn_tanh|rnn_relu)", "use the layer in lazygrad.nn"),
    Row(r"torch\.(lstm|gru|rnn_tanh|rnn_relu)_cell", "use the cell in lazygrad.nn"),
    Row(
        r"torch\.native_\w+|.*\.native_channel_shuffle|torch\.convolution|torch\.conv_tbc|torch\.nn\.functional\.conv_tbc",
        "use the function of lazygrad.nn.functional, without this prefix",
    ),
    Row(r"torch\.(frobenius_norm|nuclear_norm|norm_except_dim)", "use lazygrad.linalg.matrix_norm"),
    Row(r".*\.(eig|symeig|lstsq|solve|matrix_rank)", "use lazygrad.linalg"),
    Row(
        r"torch\.nn\.functional\.\w+_with_indices|torch\.max_pool1d_with_indices",
        "use the function without this ending, with return_indices=True",
    ),
)

# About how programs run, and not about tensors.
PROGRAMS = (
    Row(r"torch\.compile", "use lazygrad.jit"),
    Row(r"torch\.(cond|while_loop)", "use lazygrad.func.{name}"),
    Row(r"torch\.typename", "use type(x).__name__"),
    Row(
        r"torch\.(get|set|init)_num(_interop)?_threads",
        "backends use all cores that the process may run on; restrict those, as by taskset",
    ),
    Row(r"torch\.set_printoptions", "use numpy.set_printoptions, which tensors are printed by"),
    Row(r"torch\.set_default_tensor_type", "give dtype= and device=, or use set_default_device"),
    Row(r"torch\.sym_\w+", "sizes are Python integers; use those"),
    Row(r"torch\.(has_\w+|compiled_with_cxx11_abi)", "ask lazygrad.cuda.is_available()"),
    Row(
        r"torch\.(use_deterministic_algorithms|set_deterministic_\w+|get_deterministic_\w+|"
        r"are_deterministic_\w+|is_deterministic_\w+)",
        "results are the same on every run without it",
    ),
    Row(
        r"torch\.(set|get)_float32_matmul_precision|torch\.set_flush_denormal",
        "float32 is always computed in float32",
    ),
    Row(
        r"torch\.(set|is)_anomaly\w*|torch\.\w+_warn_always\w*",
        "errors name the line that asked for the value; LAZYGRAD_DEBUG tells more",
    ),
    Row(r"torch\.(amp\.)?\w*autocast\w*", "use lazygrad.amp.autocast"),
    Row(r"torch\.autograd\.(forward_ad|functional)", "use lazygrad.func"),
    Row(
        r"torch\.autograd\.\w*(anomaly|view_replay|multithreading|layout_policy)\w*",
        "errors name the line that asked for the value; derivatives are graphs as all else",
    ),
    Row(
        r"torch\.(autograd|cuda)\.(\w*[pP]rofiler\w*|kineto\w*|nvtx|set_sync_\w+|get_sync_\w+)",
        "use lazygrad.inspect and LAZYGRAD_DEBUG=2",
    ),
    Row(r"torch\.(version|torch_version)", "use lazygrad.__version__"),
    Row(r"torch\.(profiler|monitor)", "use lazygrad.profile() and lazygrad.inspect"),
    Row(
        r"torch\.(distributed|futures|multiprocessing|fork|wait)",
        "a process computes on one device; start others by multiprocessing",
    ),
    Row(
        r"torch\.(export|package|hub|library|fx|compiler|jit|classes|ops)",
        "save state_dict(), and the code that makes the model",
    ),
    Row(
        r"torch\.Tensor\.(data_ptr|const_data_ptr|storage|untyped_storage|storage_type|set_|"
        r"record_stream|is_set_to|dim_order|layout)",
        "memory belongs to the backend; use numpy() or the DLPack protocol",
    ),
    Row(
        r"torch\.Tensor\.(new|volatile|as_subclass|module_load|name|grad_dtype|is_distributed)",
        "it is obsolete, or PyTorch's own",
    ),
    Row(
        r"torch\.nn\.(DataParallel|SyncBatchNorm|parallel)",
        "a process computes on one device, with all of its units",
    ),
)

# Not here, because of what they are about.
NOT_HERE = (
    Row(
        r"torch\.(Tensor\.)?(stft|istft)|torch\.view_as_real_copy|torch\.fft\.\w*fft[2n]?",
        "it gives complex numbers, of which there are none",
    ),
    Row(
        r".*(complex|cfloat|cdouble|chalf|real$|imag$|conj|angle|polar|adjoint|\.mH|\.H$|is_neg|"
        r"resolve_neg|eigvals$).*",
        "there are no complex numbers",
    ),
    Row(
        r".*(quant|qint|QInt|QUInt|quint|q_per|q_scale|q_zero|int_repr|fbgemm|qscheme|bits\d|\.bit$|"
        r"float4|float8|\.u?int[1-7]$|int4|_qparams|per_tensor|per_channel|qat|intrinsic|\.ao$).*",
        "there are no quantised or sub-byte dtypes",
    ),
    Row(
        r".*(sparse|spmm|smm|sspaddmm|saddmm|dsmm|coalesce|crow_indices|ccol_indices|col_indices|"
        r"row_indices|\.indices|\.values|to_dense|dense_dim|to_padded|nested|jagged|"
        r"slice_inverse|nonzero_static|torch\.masked).*",
        "there are only dense tensors",
    ),
    Row(
        r".*(cudnn|miopen|mkldnn|mps|vulkan|xpu|ipu|xla|mtia|maia|hpu|meta|is_ort|\.cpu$|"
        r"windows|get_device_module|cuda_|_cuda).*",
        "it is about a device or a library that lazygrad does not have",
    ),
    Row(
        r".*(torch_function|\.torch$|Broadcasting|boolean_dispatch|assert_int|_notes$|DType|"
        r"functional\.Tensor|ScalingType|SwizzleType|_MODES|grouped_mm|scaled_mm|"
        r"LinearCrossEntropyOptions|swap_in_optimizer).*",
        "it is about the inside of PyTorch",
    ),
    Row(r"torch\.[A-Z]\w*", "it is a type, or about the inside, of PyTorch"),
    Row(
        r"torch\.(autograd|amp|fft|special|nn\.utils|nn\.init)\.\w+",
        "it is about the inside of PyTorch",
    ),
    Row(r"torch\.cuda\.\w+", "it is about NVIDIA's driver, or the inside of PyTorch"),
    Row(
        r"torch\.(batch_norm_\w+|autograd_\w+|choose_\w+|classproperty|cpp|get_file_path|"
        r"import_ir\w*|init_num\w*|is_storage|is_distributed|is_inference\w*|legacy_\w+|memory_format|"
        r"merge_type\w*|parse_\w+|prepare_\w+|return_types|serialization|storage|testing|"
        r"thread_safe\w*|unify_\w+|overrides|bit|signal|utils)",
        "it is about the inside of PyTorch",
    ),
)


def answer(full: str) -> str | None:
    """What is said of a name like ``torch.nn.Conv2d``; None if nothing is."""
    name = full.rpartition(".")[2]
    base = name.rpartition("_")[0]
    for row in (*ELSEWHERE, *BINDINGS, *PROGRAMS, *NOT_HERE):
        if re.fullmatch(row.pattern, full):
            return row.text.format(name=name, base=base)
    return None


NOTHING: Mapping[str, str] = {}


def lookup(
    ours: str,
    theirs: str,
    known: MutableMapping[str, Any],
    parts: Sequence[str] = (),
    members: Mapping[str, str] = NOTHING,
) -> Callable[[str], Any]:
    """``__getattr__`` of a module that is ``ours`` here and ``theirs`` in PyTorch; ``known`` is
    what it has. Its ``parts`` are modules that are imported when they are asked for, as are the
    modules that ``members`` names, of which it shows these names."""

    def missing(name: str) -> Any:
        if name in parts:
            return import_module(f"{known['__name__']}.{name}")
        if name in members:
            known[name] = found = getattr(import_module(members[name]), name)
            return found
        raise MissingNameError(said(ours, theirs, name, [*known, *parts, *members]))

    return missing


def listing(known: Mapping[str, Any], *later: Iterable[str]) -> Callable[[], list[str]]:
    """``__dir__`` of a module with such ``parts`` and ``members``."""
    return lambda: sorted({*known, *(name for names in later for name in names)})


def said(ours: str, theirs: str, name: str, known: Iterable[str]) -> str:
    """The message for a name that is looked up in vain."""
    if name.startswith("_"):  # Python asks for some with each import, as it does for __path__
        return f"[{ours}] no name {name!r}"
    found = answer(f"{theirs}.{name}")
    close = closest(name, known)
    hint = found or (f"did you mean {close}?" if close else f"it is not in {ours}")
    return f"[{ours}] no name {name!r}: {hint}"


def closest(name: str, known: Iterable[str]) -> str | None:
    """The one of the ``known`` names that somebody may have meant who wrote another one."""
    from difflib import get_close_matches  # 2 ms, which only those wait for who err

    return next(iter(get_close_matches(name, known, n=1)), None)
