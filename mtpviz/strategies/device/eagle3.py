"""EAGLE-3 on a device."""

from __future__ import annotations

from mtpviz.strategies.device._features import DeviceFeatures
from mtpviz.strategies.eagle3 import Eagle3


class DeviceEagle3(DeviceFeatures):
    name, title, blurb, order, settings = Eagle3.name, Eagle3.title, Eagle3.blurb, Eagle3.order, Eagle3.settings
    host = Eagle3


STRATEGY = DeviceEagle3
