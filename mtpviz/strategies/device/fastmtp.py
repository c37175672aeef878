"""FastMTP on a device."""

from __future__ import annotations

from mtpviz.strategies.device._features import DeviceFeatures
from mtpviz.strategies.fastmtp import FastMtp


class DeviceFastMtp(DeviceFeatures):
    name, title, blurb, order, settings = FastMtp.name, FastMtp.title, FastMtp.blurb, FastMtp.order, FastMtp.settings
    host = FastMtp


STRATEGY = DeviceFastMtp
