"""One file per figure: traces in, plotly figure out. `discover.plots()` lists them.

A figure is a module with TITLE, ORDER (its place on the page), ABOUT (one sentence: how to read it, with the
definition) and `figure(traces, theme="light") -> plotly.graph_objects.Figure`.
"""
