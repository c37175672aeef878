"""Who answers at an address; and the servers that someone listed.

A serving engine's file has TITLE and OWNER (what `/v1/models` says of who owns the models there) and the functions

- describe(client, entry) -> (version, facts): `entry` is the model's in `/v1/models`; facts are those of Found.
- count(client) -> counters by name, {} where no metrics page is offered.
- request(found, prompt, sampling, limit) -> (path, body) that answers with an event stream.
- read(events, found, sampled) -> Answer, from (seconds, JSON object) pairs; sampled: growth of the counters meanwhile.
- launch(strategy, wish) -> the command line, or None where there is none, and a sentence on it: (line, sentence).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import ModuleType

from mtpviz.discover import servers
from mtpviz.errors import UserError
from mtpviz.serving.client import Client, Failure, Patience, one_line

ENVIRONMENT = "MTPVIZ_SERVERS"  # listed as on a command line, separated by white space
KEY = "MTPVIZ_SERVER_KEY_"  # and the name in capitals: the key that the server of this name asks for


@dataclass(frozen=True)
class Wish:
    """What a server is to be started with. model, draft: the target, and the draft model or head. length: drafts along
    a path. tree: whether they should branch; where an engine cannot, it drafts a chain and the sentence says so."""

    model: str
    draft: str
    length: int
    tree: bool = False


@dataclass(frozen=True)
class Found:
    """A server that answered. engine: its file's name. model: as it calls it. facts: what else it told: "parameters",
    "dtype", "draft" (what drafts, by its words), "length" (drafts a pass, where fixed), whether "speculative"."""

    client: Client
    engine: str
    version: str
    model: str
    facts: dict = field(default_factory=dict)

    @property
    def module(self) -> ModuleType:
        """The engine's file."""
        return servers()[self.engine]

    @property
    def title(self) -> str:
        """Engine and version."""
        return f"{self.module.TITLE} {self.version}".strip()


@dataclass(frozen=True)
class Listed:
    """A server that someone listed by name. baseline: the others of its engine and model are compared with it."""

    name: str
    url: str
    baseline: bool = False

    @property
    def lane(self) -> str:
        """What its lane is called, where strategies are named: no strategy is called so."""
        return f"server_{self.name}"

    def find(self, patience: Patience | None = None) -> Found:
        """Who answers there. Raises UserError."""
        return find(Client(self.url, os.environ.get(KEY + self.name.upper(), ""), patience))


def find(client: Client) -> Found:
    """Who answers. Raises Failure where nobody does, or nobody who is known here."""
    models = client.json("/v1/models").get("data")
    entry = models[0] if isinstance(models, list) and models and isinstance(models[0], dict) else {}
    for name, module in servers().items():
        if entry.get("owned_by") == module.OWNER:
            try:
                version, facts = module.describe(client, entry)
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                if isinstance(error, Failure):
                    raise
                raise Failure(f"{client.where} is {module.TITLE}, but tells of itself in a form that mtpviz does not "
                              f"know ({type(error).__name__}).") from None
            return Found(client, name, one_line(version), one_line(str(entry.get("id", ""))), facts)
    known = ", ".join(module.TITLE for module in servers().values())
    raise Failure(f"{client.where} answers, but is none of the servers that are known here: {known}.")


def listed(entries: Iterable[str]) -> list[Listed]:
    """Servers from "NAME=URL" and "NAME=URL,baseline". Raises UserError."""
    found: dict[str, Listed] = {}
    for entry in entries:
        name, equals, url = entry.partition("=")
        baseline = url.endswith(",baseline")
        url = url.removesuffix(",baseline")
        if not equals or not re.fullmatch(r"[a-z0-9_]{1,24}", name):
            raise UserError(f"{entry!r} lists no server; NAME=URL is right, or NAME=URL,baseline, with a name of up "
                            "to 24 small letters, digits and _.")
        if name in found:
            raise UserError(f"Two servers are called {name}; give the one at {url} another name.")
        Client(url)  # raises for what is no address
        found[name] = Listed(name, url, baseline)
    return list(found.values())


def from_environment() -> list[str]:
    """The entries of ENVIRONMENT."""
    return os.environ.get(ENVIRONMENT, "").split()
