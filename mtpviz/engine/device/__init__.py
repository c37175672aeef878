"""Decoding on a GPU: a step is device work on fixed shapes, captured as a graph, and no host waits inside it.

`lane` runs the steps, `program` is one step from top to bottom, `drafter` the contract by which a strategy takes part.
Modules here import triton; the rest of the engine imports them only once a GPU was asked for.
"""
