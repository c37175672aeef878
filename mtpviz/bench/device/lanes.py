"""The bundled model on the device: every strategy, batches, and whether lanes with and without graphs give one text."""

from __future__ import annotations

from mtpviz.bench import prompts
from mtpviz.bench.device.passes import stamps_of
from mtpviz.bench.device.probe import Findings, Probe, goal
from mtpviz.bench.harness import decode
from mtpviz.bench.report import Table
from mtpviz.discover import device_strategies
from mtpviz.engine.device.lane import DeviceLane
from mtpviz.engine.sampling import Sampling
from mtpviz.errors import UserError
from mtpviz.kernels.device import interpreting
from mtpviz.race import make_drafter

_SHAPES = {"draft": ("tree=auto", "tree=chain:depth=4", "tree=dynamic:depth=5:nodes=31"),
           "mtp": ("tree=auto", "tree=chain", "tree=dynamic:nodes=15"),
           "medusa": ("tree=auto", "tree=static"), "lmtp": ("tree=auto", "tree=static"),
           "fastmtp": ("tree=auto", "tree=chain:depth=3"), "eagle": ("tree=auto", "tree=dynamic:depth=5:nodes=31"),
           "eagle3": ("tree=auto", "tree=dynamic:depth=5:nodes=31"), "firp": ("tree=auto", "tree=chain"),
           "lookup": ("nodes=0", "nodes=15")}  # what pays, and what the method's paper drafts
_PLAIN = {"lookup": "lookup:nodes=7"}
BATCHES = (1, 2, 4, 8, 16)


def specs(session) -> tuple[list[str], list[str]]:
    """Every strategy that the device and the model have, once for each shape; and why others are left out."""
    found, missing = [], []
    for name in device_strategies():
        try:
            make_drafter(name, session, Sampling())
        except UserError as error:
            missing.append(f"{name}: {error}")
            continue
        found += [f"{name}:{settings}" for settings in _SHAPES.get(name, ())] or [name]
    return found, missing


def chains(session) -> list[str]:
    """Every strategy that the device and the model have, as it drafts a chain where it can: the same work for each
    sequence of a batch."""
    found = {}
    for spec in specs(session)[0]:
        name = spec.partition(":")[0]
        trees = device_strategies()[name].settings.get("tree")
        found[name] = f"{name}:tree=chain" if trees and "chain" in trees.choices else _PLAIN.get(name, name)
    return sorted(found.values(), key=lambda spec: spec != "ntp")


def _text(domain: str) -> str:
    return prompts.select(prompts.BUILT_IN, [domain], 1)[domain][0].text


def strategies(probe: Probe) -> Findings:
    """Tokens per second of each strategy alone, greedy, against ntp of the same engine."""
    session, table = probe.session, []
    new = 6 if interpreting() else 256
    chosen, missing = (["ntp", "lookup:nodes=3"], []) if interpreting() else specs(session)
    domains = ("tales",) if interpreting() else ("tales", "python")
    speeds: dict[str, list[float]] = {}
    same = True
    for domain in domains:
        base = None
        for spec in sorted(chosen, key=lambda name: name != "ntp"):
            if probe.over and speeds:
                missing.append(f"{spec}, {domain}: left out, the time was up")
                continue
            probe.progress(f"bundled model: {spec}, {domain}")
            decode(session, spec, _text(domain), Sampling(), min(new, 32))  # compiles and captures
            trace = decode(session, spec, _text(domain), Sampling(), new)
            base = base or trace
            exact = trace.token_ids == base.token_ids
            same = same and exact
            speeds.setdefault(spec, []).append(trace.tokens_per_s)
            phases = {f"{phase} ms": ms / max(1, len(trace.steps)) for phase, ms in trace.phase_ms().items()}
            table.append({"strategy": spec, "text": domain, "tokens/s": trace.tokens_per_s, "tau": trace.tau,
                          "speedup": trace.tokens_per_s / base.tokens_per_s, "same text as ntp": exact,
                          "distinct 4-grams": trace.distinct_4grams, **phases})
    best = max(speed for found in speeds.values() for speed in found)
    goals = [goal("bundled model: ntp tokens/s", least=4000, measured=max(speeds["ntp"])),
             goal("bundled model: best strategy's tokens/s", least=10000, measured=best),
             goal("strategies whose text differs from ntp's", most=0, measured=0.0 if same else 1.0)]
    note = "By the device's clock, gaps in which the device waited for the host counted as host. " + "; ".join(missing)
    return Findings([Table("The bundled model", table, note)], goals)


def graphs(probe: Probe) -> Findings:
    """The same lanes with captured graphs and without: their bits, and what capture saves."""
    session, table, same = probe.session, [], True
    new = 6 if interpreting() else 96
    tokens = session.encode(_text("tales"), new)
    for spec in ("ntp", "lookup:nodes=3") if interpreting() else ("ntp", "lookup:nodes=7", "mtp:tree=dynamic:nodes=15"):
        texts, found = [], {}
        for captured in (False, True):
            probe.progress(f"{spec}: {'with' if captured else 'without'} graphs")
            lane = DeviceLane(session, make_drafter(spec, session, Sampling()), Sampling(), [tokens], [new],
                              record=False, graphs=captured)
            lane.prefill()
            count = 5 if interpreting() else 24
            found[captured] = stamps_of(lane, count)
            known = int(lane.state.lengths[0])
            texts.append(lane.state.text[0, :known].tolist())
        least = min(map(len, texts))
        equal = texts[0][:least] == texts[1][:least]
        same = same and equal
        table.append({"strategy": spec, "with graphs ms": found[True]["step ms"], "idle": found[True]["idle"],
                      "without ms": found[False]["step ms"], "idle without": found[False]["idle"],
                      "same tokens": equal})
    return Findings([Table("Graphs", table, "Milliseconds a step and idle share of the device, bundled model.")],
                    [goal("lanes that graphs change", most=0, measured=0.0 if same else 1.0)])


def batches(probe: Probe) -> Findings:
    """n prompts, one strategy, each sequence with its own acceptance: tokens per second of all of them together."""
    session, table = probe.session, []
    sizes = (1, 2) if interpreting() else BATCHES
    new = 6 if interpreting() else 160
    texts = [prompt.text for found in prompts.select(prompts.BUILT_IN, None, 4).values() for prompt in found]
    base: dict[int, float] = {}
    for spec in ("ntp",) if interpreting() else chains(session):
        for size in sizes:
            if probe.over:
                break
            probe.progress(f"{spec}: {size} prompts")
            drafter = make_drafter(spec, session, Sampling())
            chosen = [session.encode(texts[i % len(texts)], new) for i in range(size)]
            lane = session.gpu.lane(session, drafter, Sampling(), chosen, [new] * size)
            lane.prefill()
            found = stamps_of(lane, 5 if interpreting() else 32)
            speed = found["device tokens/s"]
            base.setdefault(size, speed)
            table.append({"strategy": spec, "prompts": size, "step ms": found["step ms"], "tokens/s": speed,
                          "tokens/s by the wall": found["wall tokens/s"], "speedup over ntp": speed / base[size]})
    return Findings([Table("Batches", table, "All sequences together, by the device's clock, bundled model, greedy.")])
