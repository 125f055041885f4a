"""The kernel language: what the scheduler hands to code generation, as plain data.

``index`` holds integer arithmetic on ranges, ``expr`` the values computed at a point of them, and
``kernel`` the kernel itself. Nothing here knows tensors, derivatives or devices.
"""
