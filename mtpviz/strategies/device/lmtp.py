"""L-MTP on a device."""

from __future__ import annotations

from mtpviz.strategies.device._residual import DeviceResidual
from mtpviz.strategies.lmtp import Lmtp


class DeviceLmtp(DeviceResidual):
    name, title, blurb, order, settings = Lmtp.name, Lmtp.title, Lmtp.blurb, Lmtp.order, Lmtp.settings
    host = Lmtp

    @property
    def stride(self) -> int:
        return self.chosen["stride"]


STRATEGY = DeviceLmtp
