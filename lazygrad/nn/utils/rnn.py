"""Sequences of different lengths in one batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from lazygrad.errors import ShapeError, ValueRangeError
from lazygrad.functional.joining import stack
from lazygrad.names import lookup
from lazygrad.public import public
from lazygrad.tensor_class import Tensor


class PackedSequence(NamedTuple):
    """Sequences without padding: first the first elements of all, then the second ones of those
    that have one, and so on, the longest sequence first.

    Attributes:
        data: the elements (total, *).
        batch_sizes: how many sequences have a first element, a second one, ...; int64.
        sorted_indices: which sequence of the batch came first, ...; None if they were sorted.
        unsorted_indices: where each sequence of the batch went.

    >>> packed = nn.utils.rnn.pack_sequence([Tensor([1, 2, 3]), Tensor([4])])
    >>> packed.data.tolist(), packed.batch_sizes.tolist()
    ([1, 4, 2, 3], [2, 1, 1])
    """

    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None = None
    unsorted_indices: Tensor | None = None

    @property
    def lengths(self) -> np.ndarray[Any, Any]:
        """Of the sequences, the longest first."""
        sizes = self.batch_sizes.numpy()
        return (sizes[None, :] > np.arange(sizes[0])[:, None]).sum(1)


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes one.

    >>> nn.utils.rnn.invert_permutation(Tensor([2, 0, 1])).tolist()
    [1, 2, 0]
    """
    if permutation is None:
        return None
    return Tensor(np.argsort(permutation.numpy()), device=permutation.device)


@public
def pack_padded_sequence(
    input: Tensor,
    lengths: Tensor | Sequence[int],
    batch_first: bool = False,
    enforce_sorted: bool = True,
) -> PackedSequence:
    """The sequences of ``input`` (T, N, *), or (N, T, *) with ``batch_first``, of these lengths.

    Raises:
        ValueRangeError: for lengths below 1 or above T, or, with ``enforce_sorted``, that are not
            in descending order.
        ShapeError: for another number of lengths than sequences.

    >>> padded, lengths = Tensor([[1, 2, 3], [4, 0, 0]]), [3, 1]
    >>> packed = nn.utils.rnn.pack_padded_sequence(padded, lengths, batch_first=True)
    >>> packed.data.tolist()
    [1, 4, 2, 3]
    """
    steps = input.transpose(0, 1) if batch_first else input
    own = lengths.numpy() if isinstance(lengths, Tensor) else np.asarray(lengths)
    longest, count = steps.shape[:2]
    if own.shape != (count,):
        raise ShapeError(
            f"[pack_padded_sequence] {count} sequences need as many lengths, got {own.tolist()}"
        )
    if own.min(initial=1) < 1 or own.max(initial=1) > longest:
        raise ValueRangeError(
            f"[pack_padded_sequence] lengths must be from 1 to {longest}, got {own.tolist()}"
        )
    if enforce_sorted and (np.diff(own) > 0).any():
        raise ValueRangeError(
            f"[pack_padded_sequence] lengths {own.tolist()} are not in descending order; sort the "
            "sequences, or give enforce_sorted=False"
        )
    order = np.arange(count) if enforce_sorted else np.argsort(-own, kind="stable")
    inside = np.arange(own.max(initial=0))[:, None] < own[order][None, :]
    step, place = np.nonzero(inside)
    rows = steps.reshape(longest * count, *steps.shape[2:])
    data = rows[Tensor(step * count + order[place], device=input.device)]
    sizes = Tensor(inside.sum(1).astype(np.int64), device="CPU")
    if enforce_sorted:
        return PackedSequence(data, sizes)
    there, back = (Tensor(i, device=input.device) for i in (order, np.argsort(order)))
    return PackedSequence(data, sizes, there, back)


@public
def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Tensor, Tensor]:
    """What was packed: (T, N, *), or (N, T, *) with ``batch_first``, and the lengths, int64 (N,).

    Raises:
        ValueRangeError: for a ``total_length`` that is less than the longest sequence.

    >>> packed = nn.utils.rnn.pack_sequence([Tensor([4]), Tensor([1, 2])], enforce_sorted=False)
    >>> padded, lengths = nn.utils.rnn.pad_packed_sequence(packed, batch_first=True)
    >>> padded.tolist(), lengths.tolist()
    ([[4, 0], [1, 2]], [1, 2])
    """
    padded = padded_of(sequence, padding_value, total_length)
    lengths = sequence.lengths.astype(np.int64)
    if sequence.unsorted_indices is not None:
        padded = padded.index_select(1, sequence.unsorted_indices)
        lengths = lengths[sequence.unsorted_indices.numpy()]
    return padded.transpose(0, 1) if batch_first else padded, Tensor(lengths, device="CPU")


def padded_of(
    sequence: PackedSequence, padding_value: float = 0.0, total_length: int | None = None
) -> Tensor:
    """(T, N, *), the longest sequence first.

    >>> packed = nn.utils.rnn.pack_sequence([Tensor([1, 2]), Tensor([4])])
    >>> nn.utils.rnn.padded_of(packed).tolist()
    [[1, 4], [2, 0]]
    """
    sizes, data = sequence.batch_sizes.numpy(), sequence.data
    longest = len(sizes)
    if total_length is not None and total_length < longest:
        raise ValueRangeError(
            f"[pad_packed_sequence] total_length {total_length} is less than the longest sequence, "
            f"{longest}"
        )
    inside = np.arange(sizes[0])[None, :] < sizes[:, None]
    if total_length is not None:
        inside = np.pad(inside, ((0, total_length - longest), (0, 0)))
    places = np.where(inside, np.cumsum(inside).reshape(inside.shape) - 1, 0)
    found = data[Tensor(places, device=data.device)]
    if inside.all():
        return found
    held = Tensor(inside.reshape(*inside.shape, *[1] * (found.ndim - 2)), device=data.device)
    return found.masked_fill(~held, padding_value)


@public
def pad_sequence(
    sequences: Iterable[Tensor],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Sequences (L, *) of different lengths as one tensor (T, N, *), or (N, T, *) with
    ``batch_first``.

    Raises:
        ShapeError: if they differ in another dim, or there are none.
        ValueRangeError: for a ``padding_side`` other than "left" and "right".

    >>> nn.utils.rnn.pad_sequence([Tensor([1, 2]), Tensor([3])], batch_first=True).tolist()
    [[1, 2], [3, 0]]
    """
    listed = list(sequences)
    if padding_side not in ("left", "right"):
        raise ValueRangeError(
            f'[pad_sequence] padding_side must be "left" or "right", got {padding_side!r}'
        )
    if not listed or any(x.shape[1:] != listed[0].shape[1:] or not x.ndim for x in listed):
        shapes = " and ".join(str(x.shape) for x in listed) or "none"
        raise ShapeError(
            f"[pad_sequence] needs sequences that differ in dim 0 only, got shapes {shapes}"
        )
    longest = max(len(x) for x in listed)
    padded = []
    for x in listed:
        missing = longest - len(x)
        ends = (missing, 0) if padding_side == "left" else (0, missing)
        padded.append(x.pad([ends, *[(0, 0)] * (x.ndim - 1)], value=padding_value))
    return stack(padded, 0 if batch_first else 1)


@public
def unpad_sequence(
    padded_sequences: Tensor, lengths: Tensor | Sequence[int], batch_first: bool = False
) -> list[Tensor]:
    """The sequences that ``pad_sequence`` was given.

    >>> padded = Tensor([[1, 2], [3, 0]])
    >>> [x.tolist() for x in nn.utils.rnn.unpad_sequence(padded, [2, 1], batch_first=True)]
    [[1, 2], [3]]
    """
    rows = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    own = lengths.tolist() if isinstance(lengths, Tensor) else lengths
    return [rows[i, :length] for i, length in enumerate(own)]


@public
def pack_sequence(sequences: Iterable[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Sequences (L, *) of different lengths, packed.

    >>> nn.utils.rnn.pack_sequence([Tensor([1, 2]), Tensor([3])]).data.tolist()
    [1, 3, 2]
    """
    listed = list(sequences)
    lengths = [len(x) for x in listed]
    return pack_padded_sequence(pad_sequence(listed), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences that were packed.

    >>> packed = nn.utils.rnn.pack_sequence([Tensor([3]), Tensor([1, 2])], enforce_sorted=False)
    >>> [x.tolist() for x in nn.utils.rnn.unpack_sequence(packed)]
    [[3], [1, 2]]
    """
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)


__getattr__ = lookup("nn.utils.rnn", "torch.nn.utils.rnn", globals())
