"""The sections of `bench engine`: what a GPU does with the engine's kernels, steps and lanes."""
