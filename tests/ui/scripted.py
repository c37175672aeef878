"""A stand-in for the engine: races whose steps are written down beforehand, so that the page is tested without one."""

from mtpviz.bench.feed import ScriptedRace, ScriptedResident

__all__ = ["ScriptedRace", "ScriptedResident"]
