"""The model that stays loaded: opened in the background once the page is up, shared by all visitors."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mtpviz.errors import UserError
from mtpviz.limits import LIMITS
from mtpviz.strings import say

if TYPE_CHECKING:
    from mtpviz.engine.session import Session
    from mtpviz.race import Race
    from mtpviz.serving.server import Listed
    from mtpviz.ui.order import Order

WARM_UP = "Once upon a time there was"


class Resident:
    """A session to be. `start` begins to load it; `ready` waits for it; `race` sets one up on it; `describe`
    tells the page how far it is. The engine is imported in here alone, and late: the page is up before torch
    is. servers: what else may race, by name: a visitor never says where."""

    def __init__(
        self, model: str = "bundled", device: str = "auto", dtype: str = "auto", servers: Sequence[Listed] = ()
    ):
        self.asked = {"model": model, "device": device, "dtype": dtype}
        self.servers = {entry.lane: entry for entry in servers}
        self._done, self._begun = threading.Event(), threading.Lock()
        self._session: Session | None = None
        self._error = ""
        self._strategies: list[dict] = []

    def start(self) -> None:
        """Load in the background; a second call does nothing."""
        if self._begun.acquire(blocking=False):
            threading.Thread(target=self._load, name="model", daemon=True).start()

    def ready(self, seconds: float) -> bool:
        """Whether the model is there within this time. Raises UserError where it could not be loaded."""
        self.start()
        if not self._done.wait(seconds):
            return False
        if self._session is None:
            raise UserError(self._error)
        return True

    def race(self, order: Order) -> Race:
        """The race that was ordered, not begun yet. Raises UserError for what the engine refuses, and where a server
        does not answer."""
        from mtpviz.engine.sampling import Sampling
        from mtpviz.race import Race
        from mtpviz.serving.client import Patience
        from mtpviz.serving.lane import server_lanes

        assert self._session is not None
        sampling, limit = Sampling(**order.sampling), order.max_new_tokens
        chosen = [self.servers[name] for name in dict.fromkeys(order.strategies) if name in self.servers]
        patience = Patience(silence=LIMITS.server_seconds / 2, total=LIMITS.server_seconds)
        guests = server_lanes(chosen, order.prompt, sampling, limit, patience)
        local = [name for name in order.strategies if name not in self.servers]
        return Race(self._session, local, order.prompt, sampling, limit, guests=guests)

    def describe(self) -> dict:
        """{"state": "loading" | "ready" | "failed", "error", "strategies", and what Session.describe
        tells}.
        """
        state = "loading" if not self._done.is_set() else "ready" if self._session else "failed"
        told = self._session.describe() if state == "ready" and self._session else {}
        return {"state": state, "error": self._error, "strategies": self._strategies, **told}

    def _load(self) -> None:
        try:
            from mtpviz.discover import peers, strategies
            from mtpviz.engine.session import Session

            self._strategies = [
                {"name": entry.name, "title": entry.title, "blurb": entry.blurb, "missing": "", "peer": entry.peer}
                for entry in (*strategies().values(), *peers().values())
            ]
            self._strategies += [
                {"name": entry.lane, "title": entry.name, "blurb": say("lanes.server"), "missing": "", "peer": True}
                for entry in self.servers.values()
            ]
            session = Session.open(**self.asked)
            self._warm_up(session)
            self._session = session
        except UserError as error:
            self._error = str(error)
            logging.getLogger(__name__).error("%s", error)
        except Exception:  # the page must say so and live on with its recorded race
            logging.getLogger(__name__).exception("the model could not be loaded")
            self._error = say("error.load")
        finally:
            self._done.set()

    def _warm_up(self, session: Session) -> None:
        """A few tokens of every strategy, so that no visitor waits for compilation; notes those that cannot
        run. Other engines are loaded when they are first asked for.
        """
        from mtpviz.engine.sampling import Sampling
        from mtpviz.race import Race

        for entry in self._strategies:
            if entry["peer"]:
                continue
            try:
                for _ in Race(session, [entry["name"]], WARM_UP, Sampling(), 6):
                    pass
            except UserError as error:
                entry["missing"] = str(error)
