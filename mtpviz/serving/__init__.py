"""Serving engines that run elsewhere as lanes: one file per engine, `discover.servers()` lists them.

An engine's file tells who answers (`describe`), what to ask (`request`), how to read the answer (`read`) and how to
start it for a strategy (`launch`). server.py finds out which file fits, lane.py runs a request as a lane of a race.
"""
