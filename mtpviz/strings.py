"""Every English sentence that the page says, by name; mtpviz/chinese.py is the translation.

`{name}` stands for a value, `[[term|text]]` for text with a term's definition behind it. The browser gets the same
dictionary (mtp.say in assets/web/js/dom.js). The definitions of terms are in assets/web/learn/glossary.json; here they
are called `term.NAME`, and the terms' own names `term.NAME.name`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from mtpviz.errors import UserError

GLOSSARY = Path(__file__).resolve().parents[1] / "assets" / "web" / "learn" / "glossary.json"


def terms(language: str) -> dict[str, str]:
    """The glossary in one language ("en" or "zh"), by the names that sentences have."""
    strings = {}
    for name, entry in json.loads(GLOSSARY.read_text(encoding="utf-8")).items():
        strings[f"term.{name}.name"], strings[f"term.{name}"] = entry[language]
    return strings


STRINGS = {
    "page.title": "mtpviz: multi-token prediction, seen",
    "page.tagline": "multi-token prediction, side by side on one model",
    "page.name": "mtpviz",
    # header
    "chip.recorded": "recorded · {hardware} · {dtype} · {date}",
    "chip.recorded.short": "recorded · {hardware} · {date}",
    "chip.live.short": "live · {hardware}",
    "chip.recorded.about": (
        "This race was run earlier, on this hardware and date, and is replayed from its record."
    ),
    "chip.live.about": "This race was run just now on this machine.",
    "chip.model.loading": "loading the model",
    "chip.model.failed": "no model",
    "theme.dark": "Dark",
    "theme.light": "Light",
    "theme.about": "Switch between light and dark",
    "language.name": "English",
    "language.about": "中文界面",
    "share": "Copy link",
    "share.about": "The address of this page as it stands: prompt, lanes, sampling, seed and step",
    "share.done": "Copied",
    "share.failed": "Copy it from the address bar",
    "nav.label": "Parts of the page",
    "nav.race": "Race",
    "nav.scope": "Microscope",
    "nav.figures": "Figures",
    "nav.learn": "Learn",
    # links
    "link.bad": "This link has values that the page does not take, and they were left out: {names}.",
    "link.lanes": "This link names lanes that do not exist here, and they were left out: {names}.",
    "link.lane": "This link points at a lane that this race does not have: {name}.",
    "link.step": "This link points at step {n}, but the lane has only {of}; this is the last one.",
    "link.own": "This link brings its own prompt and settings. Press Start to run them.",
    # course
    "learn.label": "Guided course",
    "learn.menu": "Page of the course",
    "learn.count": "{n} / {of}",
    "learn.option": "{n}. {title}",
    "learn.option.done": "{n}. {title} ✓",
    "learn.next": "Next",
    "learn.back": "Back",
    "learn.close": "Close",
    "learn.close.about": "Close the course; it opens again where you left it",
    "learn.progress": "{n} of {of} done",
    "learn.done": "Done",
    "learn.absent": "This race has no {names} lane; the page shows {title} in its place.",
    "learn.absent.none": "This race has no {names} lane.",
    "learn.notes": "Notes",
    "learn.notes.about": "The presenter's notes to this page (key N)",
    "lecture": "Lecture",
    "lecture.about": "Large type, one thing at a time, everything by keyboard (key F)",
    "table.method": "Method",
    "table.paper": "Published",
    "table.setting": "Model, task, source",
    "table.ours": "Here, in this race",
    "table.none": "not in this race",
    "table.paper.mark": "paper, not reproduced",
    "table.figure": "{speedup}, τ {tau}",
    "table.speedup": "{speedup}×",
    # keys
    "keys.title": "Keyboard",
    "keys.button": "Keyboard shortcuts",
    "keys.close": "Close",
    "keys.step": "one pass back, one pass on; with Shift ten",
    "keys.ends": "first and last pass",
    "keys.play": "play, pause",
    "keys.lane": "look at this lane",
    "keys.nodes": "walk through the nodes of the tree",
    "keys.course": "open the course; next and previous page",
    "keys.lecture": "lecture mode; presenter's notes",
    "keys.view": "lecture: next part of the page; scroll in it",
    "keys.prompt": "write a prompt; Ctrl + Enter starts the race",
    "keys.help": "this list",
    # record: what is known of a run
    "record.about": "About this run",
    "record.greedy": "greedy, {n} tokens",
    "record.sampled": "temperature {t}, seed {seed}, {n} tokens",
    "record.untold": "sampling not told, {n} tokens",
    "record.thread": "1 thread",
    "record.threads": "{n} threads",
    "record.model": "Model",
    "record.sampling": "Sampling",
    "record.hardware": "Hardware",
    "record.date": "Date (UTC)",
    "record.commit": "Commit",
    "record.command": "Command",
    "record.versions": "Versions",
    # the lead
    "lead.what": (
        "One model, the same text in every lane. Next-token writes one token per pass; the others guess several and"
        " check them in one. Big number: how much faster."
    ),
    "lead.learn": "New? Take the tour",
    # prompt row
    "prompt.label": "Prompt",
    "prompt.placeholder": "Write the beginning of a text",
    "prompt.presets": "Example prompts",
    "lanes.chip": "{n} lanes",
    "lanes.chip.one": "1 lane",
    "lanes.title": "Strategies to race",
    "lanes.always": "always runs: every speedup is against it",
    "lanes.server": "a serving engine on its own machine: its own model, its own clock",
    "lane.server": "own clock, own model: {model}, version {version}, at {address}",
    "exact.server_baseline": "baseline server",
    "exact.server_baseline.about": (
        "The other servers of its engine and model are compared with this one: their speedup and their text."
    ),
    "exact.server_unchecked": "not checked",
    "exact.server_unchecked.about": (
        "A server runs a model of its own, so its text is compared only with a server that was listed as the baseline"
        " of the same engine and model, when the race is over. Without one there is no speedup either."
    ),
    "exact.server_yes": "identical to its baseline",
    "exact.server_yes.about": "This server's text was compared with the baseline server's and is the same.",
    "exact.server_no": "differs from its baseline at token {n}",
    "exact.server_no.about": (
        "This server's text is not the baseline server's. In bf16 and fp16 engines part where two tokens are nearly as"
        " likely, for they add in another order when they check several rows."
    ),
    "lanes.loading": "The list comes with the model, in a moment.",
    "sampling.greedy": "greedy · {n} tokens",
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
    "exact.peer": "another engine",
    "exact.peer.about": (
        "Another program decodes this lane on the same weights. It adds numbers in another order, so its text"
        " may part from ours; it is no check of ours, and its speedup is over our next-token lane."
    ),
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
    # legend
    "legend.accepted": "accepted draft",
    "legend.bonus": "bonus",
    "legend.rejected": "rejected draft",
    "legend.plain": "plain: the target alone",
    "legend.ghosts": "Show rejected drafts in the text",
    # microscope
    "step.title": "{title} · step {n} of {of}",
    "step.prefill": "The prompt has been read; the first token is known.",
    "step.summary": "{drafted} drafted, {accepted} accepted, 1 bonus: {tokens} for one pass",
    "step.untold": "{tokens} for one pass; the server does not tell what it drafted",
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
    "phase.cut": "cut",
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
    "why.server": "A server tells when its tokens come, not where the time of a step goes.",
    "why.nothing": "To be told after the first step of this lane and of next-token.",
    "why.ideal": "ideal τ",
    "why.draft": "draft",
    "why.verify": "verify",
    "why.rest": "rest",
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
    # save
    "save": "Share",
    "save.title": "Share and save",
    "save.link": "As a link",
    "save.link.about": "Prompt, lanes, sampling, seed, lane and step, in the address",
    "save.page": "As a page",
    "save.page.about": "One file that opens without a network: replay, tree, figures",
    "save.picture": "As a picture",
    "save.picture.about": "What stands on the page now, for a slide or a paper",
    "save.data": "As data",
    "save.data.about": "The trace, which this page opens again; tables of tokens and of passes (CSV)",
    "save.tokens": "CSV tokens",
    "save.steps": "CSV passes",
    "save.view": "What the picture shows",
    "save.view.race": "Race",
    "save.view.tree": "Tree of this step",
    "save.view.speedup": "Why not faster",
    "save.size": "Size of the picture",
    "save.size.slide": "Slide, 16:9",
    "save.size.paper": "Paper column",
    "save.running": "The race is still running; it can be saved when it has ended.",
    "save.making": "Making the file.",
    "save.done": "Saved to your downloads.",
    "save.lost": "The server did not answer; please try again. The trace (JSONL) can be saved without it.",
    "save.unknown": "There is no file of the kind {to} to be had here.",
    # pictures
    "picture.target": "target alone",
    "picture.same": "identical",
    "picture.loops": "text loops",
    "picture.recorded": "recorded {date}",
    "picture.more": "… {n} more tokens",
    "picture.more.one": "… 1 more token",
    "picture.race.empty": "This race has no lanes.",
    "picture.race.moment": "text and bars at {s} s; numbers of the whole run",
    "picture.race.replayed": "replayed at {x}× of the true speed",
    "picture.tree.title": "{title} · step {n}",
    "picture.tree.caption": "{title}, step {n}: {summary}",
    "picture.tree.drafting": "drafting: {n} of {of}",
    "picture.tree.bonus": "bonus: the target's own",
    "picture.tree.numbers": "numbers: draft probability (bonus: the target's)",
    "picture.speedup.slide": "measured speedup over next-token prediction; dashed: what each cost takes from τ",
    "picture.speedup.paper": "speedup over next-token; dashed: what each cost takes from τ",
    "picture.speedup.none": "this race has no next-token lane, so there is no speedup to tell",
    "picture.speedup.alone": "not comparable with a next-token lane",
    # open
    "open.button": "Open a trace file",
    "open.about": (
        "A .jsonl or .jsonl.gz that this page or python -m mtpviz wrote, an answer of vLLM with detailed metrics, or a"
        " Spec-Bench answer file; or drop one anywhere"
    ),
    "open.reading": "Reading {file}.",
    "open.busy": "A race is running; stop it first, then open another.",
    "open.unknown": "No trace came with this request; choose a .jsonl, .jsonl.gz or .json file.",
    "open.large": "{file} is larger than {limit} MiB; a trace of a race is far smaller.",
    "open.bomb": "{file} unpacks to more than {limit} MiB; a trace of a race is far smaller.",
    "open.damaged": "{file} cannot be read to its end; it may be damaged or cut off.",
    "open.steps": "{file} has more than {steps} passes or overlong lines; this page opens traces of ordinary races.",
    "open.lanes": "{file} has {n} lanes; this page shows at most {limit}.",
    # gallery
    "nav.gallery": "Gallery",
    "gallery.title": "Recorded races",
    "gallery.about": (
        "Run earlier, on the hardware and date named here, and replayed from their traces: they need no model. A bar is"
        " a lane's speedup; the dotted line is next-token prediction."
    ),
    "gallery.loading": "Looking for recorded races.",
    "gallery.empty": "No race has been recorded into this copy; python -m mtpviz record makes them.",
    "gallery.lanes": "Lanes to open a race with",
    "gallery.lanes.about": "Open with up to {n} lanes:",
    "gallery.greedy": "· greedy",
    "gallery.sampled": "· T = {t}",
    "gallery.best": "{x}× with {title}",
    "gallery.none": "no lane was compared",
    "gallery.loops": "the text loops, which flatters drafters",
    "gallery.commit": "commit {commit}",
    "gallery.domain.tales": "Tales",
    "gallery.domain.stories": "Stories",
    "gallery.domain.chat": "Chat",
    "gallery.domain.python": "Python",
    "gallery.domain.zh": "Chinese",
    "gallery.domain.repetitive": "Repetitive",
    # the microscope at full size
    "scope.title": "Microscope",
    "scope.lanes": "Lane under the microscope",
    "scope.back": "One pass back",
    "scope.next": "One pass on",
    "scope.text": "The text so far",
    "scope.depth": "depth {n}",
    "scope.depth.source": "depth {n}, {source}",
    "scope.source": "head {n}",
    "scope.tree": "Draft tree",
    "scope.tree.about": "Drafted below the root, checked in one pass; the top row became text",
    "scope.tree.numbers": "below each node: the draft's probability · the target's",
    "scope.oracle": "Show the best possible tree",
    "scope.oracle.best": "best possible",
    "scope.oracle.best.about": (
        "The text that followed is known from this trace: the best tree of so many nodes is the chain of "
        "the tokens that followed, all of them accepted."
    ),
    "scope.oracle.promised": "promised",
    "scope.oracle.promised.about": (
        "What the draft expected of its own tree: 1 for the target's own token, and for each node the "
        "product of the draft's probabilities on its path."
    ),
    "scope.oracle.realised": "realised",
    "scope.oracle.realised.about": (
        "Tokens that this pass did give: the accepted drafts and the target's own one."
    ),
    "scope.mask": "Attention mask",
    "scope.mask.about": "Who may read whom in the one pass: the text, the own ancestors, itself",
    "scope.mask.committed": "{n} committed",
    "scope.mask.read": (
        "{rows} rows in one pass; each reads the {n} committed positions, its own ancestors in the tree and"
        " itself."
    ),
    "scope.wants": "What the target wanted",
    "scope.wants.about": "After the root and each accepted draft; point at any other node for its own",
    "scope.time": "Time of this step",
    "scope.time.about": "Against next-token prediction's mean time for the same tokens",
    "scope.time.step": "this step: {n} tokens in {ms} ms",
    "scope.time.step.one": "this step: 1 token in {ms} ms",
    "scope.time.plain": "next-token: the same {n} tokens in {ms} ms",
    "scope.time.plain.one": "next-token: the same token in {ms} ms",
    "scope.kv": "Key-value cache",
    "scope.kv.about": "Above, as the pass left it; below, after the commit",
    "scope.kv.committed": "{n} before",
    "scope.kv.told": (
        "{rows} slots written by this pass: {kept} kept in place, {moved} moved up, {freed} freed."
    ),
    "scope.kv.one": "One slot written by this pass, and kept: nothing was drafted.",
    "scope.kv.bytes": "A slot is {each}; {freed} are free again.",
    "node.oracle": "“{text}” is what followed in the text: the best draft would have had it here.",
    # why, and what if
    "speedup.title": "Speedup",
    "speedup.lanes": "Lane to explain",
    "speedup.why": "Why is it not faster?",
    "speedup.base": "This is the baseline itself: choose a lane that drafts.",
    "speedup.none": (
        "Nothing can be said of this lane: it needs a next-token lane on the same machine, and steps that "
        "were timed."
    ),
    "speedup.waiting": "This is told when the race has ended.",
    "speedup.ceiling": (
        "{title} writes {tau} tokens per pass of the target, and would be {tau}× as fast as next-token "
        "prediction if drafting were free and a pass over drafts cost no more than a plain one. It is "
        "{measured}×."
    ),
    "speedup.price": (
        "One of its steps costs as much as {price} plain ones, so it breaks even at τ = {price}: drafts "
        "that are right {even} of the time, each. Here they were right {here} of the time."
    ),
    "speedup.price.free": (
        "One of its steps costs as much as {price} plain ones. It needs no draft to be right to break even:"
        " what is saved elsewhere pays for the drafting."
    ),
    "speedup.price.never": (
        "One of its steps costs as much as {price} plain ones: with drafts this short it cannot break even,"
        " were all of them right."
    ),
    "speedup.helps.draft": "What would help most: cheaper drafting. Were it free, the lane would run at {x}×.",
    "speedup.helps.verify": (
        "What would help most: a cheaper pass over the drafts. At a plain pass's cost the lane would run at"
        " {x}×."
    ),
    "speedup.helps.commit": (
        "What would help most: a cheaper commit to the cache. At a plain step's cost the lane would run at "
        "{x}×."
    ),
    "speedup.helps.host": "What would help most: less host time. At a plain step's the lane would run at {x}×.",
    "speedup.helps.none": "No part of its steps costs more than in a plain one: only better drafts would help.",
    "speedup.loops": (
        "The text repeats itself (distinct 4-grams: {share}), which flatters every drafter: do not quote "
        "these figures."
    ),
    "speedup.distinct": "Distinct 4-grams of the text: {share}.",
    "speedup.scale": "How often each draft is right",
    "speedup.slower": "slower",
    "speedup.faster": "faster",
    "speedup.even": "break-even {x}",
    "speedup.here": "this run {x}",
    "whatif.title": "What if?",
    "whatif.about": (
        "The same drafts on another card, with another model, batch, length or tree: predicted, not run"
    ),
    "whatif.none": (
        "Nothing can be predicted from this lane: it must have drafted beside a next-token lane, with a "
        "model of known size."
    ),
    "whatif.card": "Machine",
    "whatif.model": "Target model",
    "whatif.here": "this one",
    "whatif.batch": "Sequences at once",
    "whatif.length": "Draft length",
    "whatif.nodes": "Nodes of the tree",
    "whatif.predicted": "predicted",
    "whatif.range": "{low} to {high}×",
    "whatif.one": "{x}×",
    "whatif.tau": (
        "{tau} tokens per step that costs {price} plain ones: verify {verify}, draft {draft}, rest {rest}"
    ),
    "whatif.bound.memory": "The pass waits for memory: checking drafts is nearly free.",
    "whatif.bound.compute": "The pass waits for arithmetic: every draft costs as much as a token.",
    "whatif.bound.launches": (
        "The model is so small for this card that starting the kernels takes longer than they run."
    ),
    "whatif.bound.measured": (
        "The price of such a pass was measured, by the other lanes of this race or by the machine's own "
        "table."
    ),
    "whatif.bound.curves": "The price of a pass was measured for this model on this card (bench scale).",
    "whatif.bound.extended": (
        "So many rows were not measured here: their price follows the slope of those that were."
    ),
    "whatif.fits": "In bf16 this model would not fit the card's memory.",
    "whatif.unknown": "This trace does not tell the model's layers; its size alone was taken, and no launches.",
    "whatif.deep": "Drafts beyond depth {n} were not tried here: the last depth's rate is taken for them.",
    "whatif.band": (
        "The range: this run's trees go deeper only where the draft is sure. The upper end takes their "
        "rates as they are, the lower one counts every draft not made as a wrong one. Both are for fixed "
        "trees: one that adapts, as here, can do better than any of them."
    ),
    "whatif.present": (
        "This run itself: predicted {predicted}×, measured {measured}×. The prediction is {error} off; it "
        "takes the run's own acceptance, and a pass's price from the other lanes."
    ),
    "whatif.source": "{name}: {gb} GB/s, {tflops} TFLOP/s bf16 ({source}); 70 % of both are taken as reached.",
    "whatif.lengths": "speedup over draft length",
    "whatif.batches": "speedup over sequences at once",
    "nav.speedup": "Speedup",
    "nav.vocabulary": "Vocabulary",
    # vocabulary
    "vocabulary.title": "Vocabulary",
    "vocabulary.lanes": "Lane whose vocabulary to look at",
    "vocabulary.none": (
        "The token frequencies of this race's model are not at hand, so its vocabulary cannot be told."
    ),
    "vocabulary.other": (
        "This trace was made with another edition of the bundled model: its tokens are not those that were "
        "counted."
    ),
    "vocabulary.about": (
        "A draft need not score every token: verification does. Most of a language's text is made of few "
        "tokens."
    ),
    "vocabulary.coverage": "Coverage by size",
    "vocabulary.coverage.about": (
        "Share of held-out text whose tokens are among the most frequent, counted when the maps were made; "
        "and of this text"
    ),
    "vocabulary.axis.x": "tokens that the draft scores",
    "vocabulary.language.en": "English",
    "vocabulary.language.zh": "Chinese",
    "vocabulary.language.code": "code",
    "vocabulary.text": "this text",
    "vocabulary.used": "used",
    "vocabulary.lane": "This lane",
    "vocabulary.scored": "{n} of {all} tokens scored ({share}), the most frequent of {language}.",
    "vocabulary.scored.full": "All {all} tokens are scored: nothing is cut, nothing is lost.",
    "vocabulary.scored.base": (
        "This lane scores no draft. Below, what a draft with the {language} map of {n} tokens ({share}) "
        "could say of its text."
    ),
    "vocabulary.saved": "A draft call reads {cut} of unembedding in place of {full}: {share} less.",
    "vocabulary.saved.rows": (
        "A draft call scores {share} fewer rows of the unembedding; this trace does not tell their width."
    ),
    "vocabulary.lost": (
        "{n} of {of} tokens of this text lie outside: no draft could have said them. Verification did, so "
        "the text is unchanged."
    ),
    "vocabulary.lost.none": "Every one of the {of} tokens of this text lies within: nothing was lost here.",
    "vocabulary.tau": "tokens per pass over size",
    "vocabulary.tau.bound": (
        "Read from this run, with every accepted draft outside a smaller size taken as a miss: about the "
        "least that such a draft would do. Not measured."
    ),
    "vocabulary.tau.measured": "Dots: lanes of this race that ran with that size, measured.",
    # a live race too fast to read
    "status.slowed": (
        "Running, and shown at {rate} of its true speed, so that it can be followed. The End key shows what"
        " there is."
    ),
    "status.done.slowed": (
        "Done in {s} s on the lanes' own clocks; shown at {rate} of that speed. The End key shows all of "
        "it."
    ),
    # end of the instruments
    # orders that cannot be run
    "order.empty": "The prompt is empty; write at least a word for the model to go on from.",
    "order.long": "The prompt has {n} characters; this page takes at most {limit}.",
    "order.strategies": 'The strategies are no list of names; ["ntp", "draft"] would be one.',
    "order.lanes": "A race of {n} lanes is too wide; this page runs at most {limit}.",
    "order.tokens": "The number of new tokens is {n}; it must be from 1 to {limit}.",
    "order.number.temperature": "The temperature is no number; leave it at {default} if in doubt.",
    "order.number.top_p": "Top-p is no number; leave it at {default} if in doubt.",
    "order.number.min_p": "Min-p is no number; leave it at {default} if in doubt.",
    "order.number.top_k": "Top-k is no number; leave it at {default} if in doubt.",
    "order.number.seed": "The seed is no number; leave it at {default} if in doubt.",
    "order.number.max_new_tokens": "The number of new tokens is no number; leave it at {default} if in doubt.",
    "order.whole.top_k": "Top-k is {n}; it must be a whole number.",
    "order.whole.seed": "The seed is {n}; it must be a whole number.",
    "order.whole.max_new_tokens": "The number of new tokens is {n}; it must be a whole number.",
    # errors
    "error.engine": "The engine broke off; the server's log says why. Please try again.",
    "error.load": "The model could not be loaded; the server's log says why. The recorded race still plays.",
    "error.no_recording": "There is no recorded race to show. Write a prompt and press Start to run one.",
}

STRINGS |= terms("en")


class Refusal(UserError):
    """Bad input, told by one of these sentences: str() is the English one, and the page says it in its own language."""

    def __init__(self, name: str, **values: object):
        super().__init__(say(name, **values))
        self.name, self.values = name, values


def say(name: str, **values: object) -> str:
    """The sentence called `name`, with its values filled in."""
    return filled(STRINGS[name], values)


def filled(text: str, values: Mapping[str, object]) -> str:
    """A sentence with its values in their places."""
    for key, value in values.items():
        text = text.replace("{" + key + "}", str(value))
    return text
