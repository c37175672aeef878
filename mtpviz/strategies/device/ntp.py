"""Next-token prediction on a device: the root alone."""

from __future__ import annotations

from mtpviz.engine.device.drafter import DeviceDrafter
from mtpviz.strategies.ntp import NextToken


class DeviceNextToken(DeviceDrafter):
    name, title, blurb, order = NextToken.name, NextToken.title, NextToken.blurb, NextToken.order


STRATEGY = DeviceNextToken
