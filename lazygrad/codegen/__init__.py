"""From a kernel to a loop nest: what every backend that generates code shares.

``normal`` gives a kernel few ranges, ``choose`` decides how they are walked (``contract`` for
register tiles, ``running`` for scans, ``lanes`` for vectors, ``edges`` where only a last part is
checked; on GPUs, ``blocks`` for contractions and ``groups`` for long rows), and ``emit`` writes the
statements (``steps`` the loops, ``values`` the expressions, ``reductions`` the accumulators,
``shared`` what a group shares, ``integers`` the addresses). ``nest`` is the result; ``interpret``
says what it should compute.
"""
