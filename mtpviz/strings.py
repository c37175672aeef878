"""Every English sentence that the page says, by name; a translation is another dictionary like STRINGS.

`{name}` stands for a value. The browser gets the same dictionary (mtp.say in assets/web/js/dom.js).
"""

from __future__ import annotations

STRINGS = {
    "page.title": "mtpviz: multi-token prediction, seen",
    "page.tagline": "multi-token prediction, side by side on one model",
    "page.name": "mtpviz",
    # header
    "chip.recorded": "recorded · {hardware} · {dtype} · {date}",
    "chip.live": "live · {hardware} · {dtype}",
    "chip.recorded.about": (
        "This race was run earlier, on this hardware and date, and is replayed from its record."
    ),
    "chip.live.about": "This race was run just now on this machine.",
    "chip.model.loading": "loading the model",
    "chip.model.failed": "no model",
    "theme.dark": "Dark",
    "theme.light": "Light",
    "theme.about": "Switch between light and dark",
    # record: what is known of a run
    "record.about": "About this run",
    "record.greedy": "greedy, {n} tokens",
    "record.sampled": "temperature {t}, seed {seed}, {n} tokens",
    "record.thread": "1 thread",
    "record.threads": "{n} threads",
    "record.model": "Model",
    "record.sampling": "Sampling",
    "record.hardware": "Hardware",
    "record.date": "Date (UTC)",
    "record.commit": "Commit",
    "record.command": "Command",
    "record.versions": "Versions",
    # prompt row
    "prompt.label": "Prompt",
    "prompt.placeholder": "Write the beginning of a text",
    "prompt.presets": "Example prompts",
    "lanes.chip": "{n} lanes",
    "lanes.chip.one": "1 lane",
    "lanes.title": "Strategies to race",
    "lanes.always": "always runs: every speedup is against it",
    "lanes.loading": "The list comes with the model, in a moment.",
    "sampling.greedy": "T = 0 · {n} tokens",
    "sampling.sampled": "T = {t} · {n} tokens",
    "sampling.title": "Sampling",
    "sampling.note": "At temperature 0 every lossless lane must write the very same text.",
    "sampling.temperature": "Temperature",
    "sampling.temperature.about": "0 is greedy: always the most probable token",
    "sampling.top_p": "Top-p",
    "sampling.top_p.about": "1 is off",
    "sampling.top_k": "Top-k",
    "sampling.top_k.about": "0 is off",
    "sampling.min_p": "Min-p",
    "sampling.min_p.about": "0 is off",
    "sampling.seed": "Seed",
    "sampling.seed.about": "the same seed draws the same tokens",
    "sampling.fresh": "new seed on every Start",
    "sampling.tokens": "New tokens",
    "sampling.tokens.about": "1 to {n}",
    "start": "Start",
    "stop": "Stop",
    "again": "Again, same seed",
    "again.about": "The same prompt, settings and seed once more",
    # status
    "status.recorded": "A recorded race at {rate} speed. Press Start to run your own prompt.",
    "status.recorded.still": "A recorded race. Press Start to run your own prompt.",
    "status.loading": "Loading the model. Your race starts by itself.",
    "status.queue": "Waiting for the engine: place {place} in the queue.",
    "status.waiting": "Starting.",
    "status.running": "Running.",
    "status.stopped": "Stopped. What was written so far can be replayed.",
    "status.left": "Stopped before it began.",
    "status.time": "Stopped at this page's time limit. What was written so far can be replayed.",
    "status.done": "Done. Replay it with the play button, or step through it with the arrow keys.",
    "status.lost": (
        "The race was not run: the queue is full or the connection was lost. Press Start to try again."
    ),
    "summary.lane": "{title}: {speedup} times next-token, {tau} tokens per pass, {exact}.",
    # lanes
    "lane.region": "Lanes of the race",
    "lane.focus": "Show the steps of {title}",
    "lane.tokens": "tok/s",
    "lane.text": "Text of {title}",
    "lane.bar": "{title}: {n} of {limit} tokens",
    "exact.baseline": "the baseline",
    "exact.unchecked": "not checked",
    "exact.yes": "identical to next-token",
    "exact.so_far": "identical as far as it came",
    "exact.no": "differs at token {n}",
    "exact.draw": "same distribution, another draw",
    "exact.lossy": "lossy rule, differs at token {n}",
    "exact.baseline.about": (
        "Next-token prediction: the target model alone, one token a pass. Every speedup here is against"
        " it, on the same machine in the same race."
    ),
    "exact.unchecked.about": (
        "The lane is compared with next-token prediction, token for token, when the race has ended."
    ),
    "exact.yes.about": "Every token of this lane was compared with next-token prediction's and is the same.",
    "exact.so_far.about": "The race was stopped early; as far as both lanes came, every token is the same.",
    "exact.no.about": (
        "A lossless strategy must write the same tokens as next-token prediction. This one did not."
    ),
    "exact.draw.about": (
        "This verification rule keeps the target's distribution but draws with other random numbers, so"
        " the text may differ. It does from token {n} on."
    ),
    "exact.lossy.about": "This verification rule gives up exactness for speed.",
    "term.tau": (
        "τ (tau) is tokens per pass of the target model, the bonus token included. Next-token "
        "prediction has τ = 1."
    ),
    "term.speedup": (
        "Tokens per second of this lane over those of the next-token lane of the same race; the "
        "prompt's own pass is not counted."
    ),
    "term.rate": "Tokens per second on the lane's own clock, without the prompt's own pass.",
    # legend
    "legend.accepted": "accepted draft",
    "legend.bonus": "bonus",
    "legend.rejected": "rejected draft",
    "legend.plain": "plain: the target alone",
    "legend.ghosts": "Show rejected drafts in the text",
    "legend.bonus.about": "After the drafts that it accepts, the target always adds one token of its own.",
    # microscope
    "step.title": "{title} · step {n} of {of}",
    "step.prefill": "The prompt has been read; the first token is known.",
    "step.summary": "{drafted} drafted, {accepted} accepted, 1 bonus: {tokens} for one pass",
    "step.plain": "nothing drafted: one token for one pass",
    "step.tokens": "{n} tokens",
    "step.tokens.one": "1 token",
    "step.pending": "This step's tree arrives when the race has ended.",
    "step.time": "{ms} ms",
    "step.tree": "Draft tree: {summary}",
    "node.root": "“{text}” was committed by the step before; this pass starts from it.",
    "node.accepted": "“{text}” was drafted and accepted.",
    "node.rejected": "“{text}” was drafted and rejected.",
    "node.unread": "“{text}” hangs below a rejected draft, so it never counted.",
    "node.bonus": "“{text}” is the bonus: the target's own token.",
    "node.target": "“{text}” is the target's own token.",
    "node.probs": "draft {draft} · target {target}",
    "node.source": "proposed by head or depth {n}",
    "node.wanted": "Here the target wanted {list}",
    "node.after": "After “{text}” the target wanted {list}",
    "node.instead": "The draft said “{text}”; the target wanted {list}",
    "node.more": "+{n}",
    "node.more.about": "{n} more drafts beside it",
    "node.folded": "{n} more drafts below it",
    "phase.draft": "draft",
    "phase.verify": "verify",
    "phase.commit": "commit",
    "phase.host": "host",
    # why
    "why.title": "Why not {tau}× faster?",
    "why.about": "τ is the ceiling; drafting and checking take their share",
    "why.baseline.title": "Why is one token a pass slow?",
    "why.baseline": (
        "Each pass reads the whole model from memory to write a single token. A pass that checks "
        "several drafted tokens reads it just once. Choose another lane to see what that wins, and what"
        " it costs."
    ),
    "why.unknown": "Why is it not faster?",
    "why.nothing": "To be told after the first step of this lane and of next-token.",
    "why.ideal": "ideal τ",
    "why.draft": "draft",
    "why.verify": "verify",
    "why.rest": "commit, host",
    "why.measured": "measured",
    "why.ideal.about": (
        "The speedup if a pass over drafts cost no more than a plain one and drafting were free"
    ),
    "why.draft.about": "Lost to making the drafts",
    "why.verify.about": "Lost because a pass over several tokens costs more than a pass over one",
    "why.rest.about": "Lost to committing, to the host, and to drafts cut off at the end of the text",
    "why.measured.about": "The lane's speedup as measured",
    # timeline
    "time.play": "Play",
    "time.pause": "Pause",
    "time.rate": "Speed of the replay",
    "time.scrubber": "Step of {title}",
    "time.value": "step {n} of {of}: {tokens} tokens",
    "time.label": "tokens per pass",
    "time.keys": "← → step · space play · 1–8 lane",
    # figures
    "figures.title": "The race in figures",
    "figures.about": "Drawn from the race above, whole, when it has ended.",
    # errors
    "error.engine": "The engine broke off; the server's log says why. Please try again.",
    "error.load": "The model could not be loaded; the server's log says why. The recorded race still plays.",
    "error.no_recording": "There is no recorded race to show. Write a prompt and press Start to run one.",
}


def say(name: str, **values: object) -> str:
    """The sentence called `name`, with its values filled in."""
    text = STRINGS[name]
    for key, value in values.items():
        text = text.replace("{" + key + "}", str(value))
    return text
