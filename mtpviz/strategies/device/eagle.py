"""EAGLE and EAGLE-2 on a device."""

from __future__ import annotations

from mtpviz.strategies.device._features import DeviceFeatures
from mtpviz.strategies.eagle import Eagle


class DeviceEagle(DeviceFeatures):
    name, title, blurb, order, settings = Eagle.name, Eagle.title, Eagle.blurb, Eagle.order, Eagle.settings
    host = Eagle


STRATEGY = DeviceEagle
