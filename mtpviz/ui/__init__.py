"""The Gradio page: one file per view on this side, one per view in assets/web/. Reads traces, never the
engine's inside.
"""
