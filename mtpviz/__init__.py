"""mtpviz: see, measure and believe multi-token prediction and speculative decoding."""

__version__ = "0.1.0"
