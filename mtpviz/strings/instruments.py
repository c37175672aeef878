"""What shows a race: lanes, legend, microscope, waterfall, timeline, figures."""

from __future__ import annotations

INSTRUMENTS = {
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
}
