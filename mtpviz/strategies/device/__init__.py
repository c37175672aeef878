"""The strategies' device forms: strategies/device/NAME.py is strategies/NAME.py as launches on a GPU.

A module marks its class with `STRATEGY`, as on the host; the settings and names are the host form's.
"""
