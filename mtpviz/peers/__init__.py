"""Other engines' own decoding as lanes beside the strategies: one file per engine, `discover.peers()` lists them.

A peer drafts, verifies and commits by itself; this room only cuts its work into steps and takes its times.
"""
