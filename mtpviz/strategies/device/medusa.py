"""Medusa on a device."""

from __future__ import annotations

from mtpviz.engine.sampling import Sampling
from mtpviz.strategies.device._residual import DeviceResidual
from mtpviz.strategies.medusa import Medusa


class DeviceMedusa(DeviceResidual):
    name, title, blurb, order, settings = Medusa.name, Medusa.title, Medusa.blurb, Medusa.order, Medusa.settings
    host = Medusa

    def __init__(self, session, sampling: Sampling, **settings):
        super().__init__(session, sampling, **settings)
        if self.chosen["accept"] == "typical":
            self.rule = "typical"


STRATEGY = DeviceMedusa
