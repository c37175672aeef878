"""Target language models of the Llama, Qwen2, Qwen3 and Mistral families: shape, weights, tokenizer, passes.

config.py reads a folder's shape, weights.py its tensors, tokenizer.py its text; catalogue.py says which
folders there are; reference.py is the plain torch pass that every faster one is tested against.
"""
