"""Traces to pandas DataFrames and plain numbers: acceptance, speedup budget, latency, cost model. Knows no plotly.

Definitions that hold everywhere (each is said again where its number is shown):

- tau: tokens per target pass, the bonus token included; 1.0 is next-token prediction.
- drafted step: a step whose tree holds at least one node; only these count in acceptance rates.
- accepted length of a step: number of accepted nodes, i.e. the length of the accepted path, chain or tree alike.
- speedup: a lane's tokens per second over those of the next-token lane of the same race. Never of published figures.
"""
